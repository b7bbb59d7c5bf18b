# Completion for neuronova-monitor and neuronova-health-check.
_neuronova() {
    local word=${COMP_WORDS[COMP_CWORD]} choices
    if [ "${COMP_WORDS[0]##*/}" = neuronova-health-check ]; then
        choices="--json --version --help"
    elif [ "$COMP_CWORD" -eq 1 ]; then
        choices="ack check-config deadman health-check history note silence silences status test-alert token unack unsilence watch --version --help"
    else
        case ${COMP_WORDS[1]}:$COMP_CWORD in
            health-check:* | status:* | history:* | silences:*) choices="--json --help" ;;
            check-config:*) choices="--send --help" ;;
            watch:*) choices="--interval --help" ;;
            # The names of the checks, where the settings may be read.
            silence:2) choices=$(sed -n 's/^name = "\(.*\)"$/\1/p' /etc/neuronova/monitor.toml 2> /dev/null) ;;
            silence:3) choices="10m 30m 1h 2h 1d" ;;
            silence:*) choices="--why --help" ;;
            token:2) choices="add list revoke --help" ;;
            token:*) choices="--role --help" ;;
            *) choices="--help" ;;
        esac
    fi
    mapfile -t COMPREPLY < <(compgen -W "$choices" -- "$word")
}
complete -F _neuronova neuronova-monitor neuronova-health-check
