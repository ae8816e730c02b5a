//! Each probe: the script that runs on the node and the parser for what comes back.
