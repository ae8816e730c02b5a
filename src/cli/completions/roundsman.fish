# fish completion for roundsman: in ~/.config/fish/completions/roundsman.fish
function __roundsman_complete
    set -l words (commandline -opc)
    set -l index (count $words)
    set -l current (commandline -ct)
    set -q current[1]; or set current ''
    for line in (command roundsman complete $index -- $words "$current" 2>/dev/null)
        if test "$line" = \tfiles
            # Before a file may stand an option, a format or a host.
            set -l before (string match -r '^.*[=:]' -- "$current")
            set -l file (string replace -r '^.*[=:]' '' -- "$current")
            for path in (__fish_complete_path "$file")
                echo "$before$path"
            end
        else
            echo $line
        end
    end
end
complete -c roundsman -f -k -a '(__roundsman_complete)'
