# bash completion for roundsman: `source <(roundsman completions bash)`
_roundsman() {
    # Bash breaks words at `:` and `=` too; what has no space between belongs together.
    local words=() rest=${COMP_LINE:0:COMP_POINT} index lead piece
    for ((index = 0; index <= COMP_CWORD; index++)); do
        lead=${rest%%[![:space:]]*}
        rest=${rest#"$lead"}
        piece=${COMP_WORDS[index]}
        # The cursor may stand inside the word.
        [[ $index -eq $COMP_CWORD ]] && piece=$rest
        rest=${rest#"$piece"}
        if [[ $index -eq 0 || -n $lead ]]; then
            words+=("$piece")
        else
            words[${#words[@]} - 1]+=$piece
        fi
    done
    # What readline will replace begins after the last break, unless a quote is open.
    local current=${words[${#words[@]} - 1]} kept=
    if [[ $current != [\"\']* && $COMP_WORDBREAKS == *:* ]]; then
        kept=${current%"${current##*[:=]}"}
    fi
    local line candidate
    COMPREPLY=()
    while IFS= read -r line; do
        if [[ $line == $'\tfiles' ]]; then
            # Readline's own file names, where nothing else fits.
            compopt -o default 2>/dev/null
        else
            candidate=${line%%$'\t'*}
            COMPREPLY+=("${candidate#"$kept"}")
        fi
    done < <(command roundsman complete --quoted $((${#words[@]} - 1)) -- "${words[@]}" 2>/dev/null)
    if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[=:/] ]]; then
        compopt -o nospace 2>/dev/null
    fi
}
complete -F _roundsman roundsman
