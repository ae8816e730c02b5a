//! What a node leaves out of the catalogue's matches: the middle of long runs of lines of one kind.
//!
//! A restart writes some lines for each of thousands of partitions, and a broken client an error a
//! second. Without this they would fill the byte limit and push out the one line that matters. Lines that
//! tell of lost data are never left out; what is left out is counted.

/// Records of one shape that are kept from the beginning of the logs, and from their end.
const FIRST: usize = 20;
const LAST: usize = 200;

/// Shapes that are told apart; what comes after them is one shape.
const SHAPES: usize = 300;

/// Lines that pass whatever their number: each is about a partition of its own.
const PASS: &str = "out of range|fetch offset|Truncat|truncat|Non-monotonic|nclean|UNCLEAN|data loss|OnlinePartition\
    |to OfflineReplica|Error due to|log dirs|serving |Shutdown broker|tarted|Kafka version|uncleanable|Corruption found|Deleting all segments";

/// An awk program for `grep -n`'s output with file names. It prints `T COUNT PATH:LINE:…` for each shape
/// of which it left something out, with the last line of the shape that it kept.
pub(super) fn program() -> String {
    format!(
        "function out(){{if(r==\"\")return;\
         if(k==\"\"){{print r}}else{{n[k]++;if(n[k]<={FIRST})print r;else b[k,(n[k]-{FIRST}-1)%{LAST}]=r}};r=\"\"}}\
         $0==\"M\"||/^[A-Z] /{{out();k=\"\";print;next}}\
         {{h=match($0,/20[0-9][0-9]-[01][0-9]-[0-3][0-9][ T][0-9][0-9]:[0-9][0-9]:[0-9][0-9]/);\
         if(h&&h<600){{out();t=substr($0,h+19,160)}}else if(r!=\"\"){{if(length(r)<16384)r=r\"\\n\"$0;next}}else t=$0;\
         r=$0;k=\"\";if($0!~/{PASS}/){{gsub(/[0-9]+/,\"\",t);k=\"k\" substr(t,1,90);\
         if(!(k in n)){{if(s>={SHAPES})k=\"rest\";else s++}}}}}}\
         END{{out();for(k in n){{c=n[k]-{FIRST};if(c<=0)continue;i=0;if(c>{LAST})i=c-{LAST};for(j=i;j<c;j++)print b[k,j%{LAST}];\
         if(i>0)print \"T \" i \" \" b[k,(c-1)%{LAST}]}}}}"
    )
}
