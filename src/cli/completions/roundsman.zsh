#compdef roundsman
# zsh completion for roundsman: in a directory of fpath as `_roundsman`, or `source <(roundsman completions zsh)`
_roundsman() {
    local -a lines described
    local line word help files
    lines=("${(@f)$(command roundsman complete --quoted $((CURRENT - 1)) -- "${(@)words[1,CURRENT-1]}" "$PREFIX" 2>/dev/null)}")
    for line in "${lines[@]}"; do
        if [[ $line == $'\tfiles' ]]; then
            files=1
        elif [[ -n $line ]]; then
            word=${line%%$'\t'*}
            help=${${line#"$word"}#$'\t'}
            described+=("${word//:/\\:}${help:+:$help}")
        fi
    done
    local found=1
    if (( $#described )); then
        _describe -V value described && found=0
    fi
    if [[ -n $files ]]; then
        # Before a file may stand an option, a format or a host.
        compset -P '*[=:]'
        _files && found=0
    fi
    return found
}
if [[ $funcstack[1] == _roundsman ]]; then
    _roundsman "$@"
else
    compdef _roundsman roundsman
fi
