# What of Kafka is on this node? Lines of a letter and a value; only what is let through here leaves the node.
# R: another root directory, for nodes that are directories themselves (the demo's, the tests').
R=$ROUNDSMAN_ROOT
P=$R/proc
N='
'
# Settings that may be told: none of them can hold a secret.
A='function allow(k){return k~/^(broker\.id|node\.id|process\.roles|broker\.rack|log\.dirs?|metadata\.log\.dir|unclean\.leader\.election\.(enable|interval\.ms)|min\.insync\.replicas|default\.replication\.factor|num\.partitions|num\.replica\.fetchers|num\.recovery\.threads\.per\.data\.dir|auto\.create\.topics\.enable|auto\.leader\.rebalance\.enable|delete\.topic\.enable|replica\.(lag\.time\.max\.ms|lag\.max\.messages|fetch\.max\.bytes|high\.watermark\.checkpoint\.interval\.ms)|inter\.broker\.protocol\.version|controller\.quorum\.(voters|bootstrap\.servers)|controlled\.shutdown\.enable|reserved\.broker\.max\.id|broker\.id\.generation\.enable|message\.max\.bytes|compression\.type|zookeeper\.session\.timeout\.ms|broker\.session\.timeout\.ms|offsets\.(topic|retention)\.[a-z.]+|transaction\.state\.log\.[a-z.]+|log\.(retention|segment|roll|cleaner|cleanup|preallocate|flush|message|index|local)[a-z.]*|file\.delete\.delay\.ms|remote\.log\.storage\.system\.enable)$/}'
# Java properties: continued lines, comments, = or : or blanks between key and value.
S=$A'{sub(/\r$/,"");sub(/^[ \t\f]+/,"");if(c!="")$0=c $0;else if($0~/^[#!]/||$0=="")next
if(match($0,/\\+$/)&&RLENGTH%2==1){c=substr($0,1,length($0)-1);next}
c="";k=$0;sub(/[ \t]*[=: \t].*$/,"",k);v=substr($0,length(k)+1);sub(/^[ \t]*[=:]?[ \t]*/,"",v);sub(/[ \t]+$/,"",v);if(allow(k))print "s "k"="substr(v,1,1000)}'
# A command line, an argument a line.
C=$A'function say(x){out=out x "\n"}
function jars(x,i,n,a,b){n=split(x,a,":");for(i=1;i<=n;i++){b=a[i];if(b~/(kafka_2\.[0-9]+|kafka-clients)-[0-9][^\/]*\.jar$/&&b!~/-(test|sources|javadoc|scaladoc)[^\/]*\.jar$/){if(b~/kafka_2/||v=="")v=b}if(h==""&&(b~/\/libs\/[^\/]*$/||b~/\/share\/java\/[a-z-]*kafka\//)){h=b;sub(/\/(libs\/)?[^\/]*$/,"",h)}}
if(v!=""){b=v;sub(/^.*(kafka_2\.[0-9]+|kafka-clients)-/,"",b);sub(/\.jar$/,"",b);say("v "b)}if(h!="")say("h "h)}
function word(x,y){bytes+=length(x)+1
if(want=="cp"){want="";jars(x);return}
if(want=="set"){want="";y=x;sub(/=.*/,"",y);if(allow(y))say("O "substr(x,1,1000));return}
if(want=="file"){want="";say("a "x);file=1;return}
if(x=="-cp"||x=="-classpath"||x=="--class-path")want="cp"
else if(x~/^-Dkafka\.logs\.dir=/){dir=1;say("d "substr(x,18))}
else if(x~/^-Dlog4j2?\.configuration(File)?=/){sub(/^[^=]*=/,"",x);say("j "x)}
else if(x~/^-Duser\.timezone=/)say("z "substr(x,17))
else if(!main&&(x~/^(.*\/)?kafka\.Kafka$/||x~/^(.*\/)?kafka-native$/||x=="io.confluent.support.metrics.SupportedKafka")){main=kafka=1;say("c "x)}
else if(!main&&x~/^(org|kafka|io|com)\.[A-Za-z0-9_.$]+\.[A-Za-z0-9_$]+$/)main=1
else if(main&&x=="--override")want="set"
else if(main&&(x=="--config"||x=="-c"))want="file"
else if(main&&!file&&x!~/^-/&&(x~/\.properties$/||x~/\//)){file=1;say("a "x)}}
NR==1{y=$0;sub(/ .*/,"",y);sub(/^.*\//,"",y);if(y!~/^(java|jsvc|kafka)/)exit;if($0~/ kafka\.Kafka( |$)/){n=split($0,w," ");for(i=1;i<=n;i++)word(w[i]);next}}
{word($0)}
END{if(kafka||dir&&!main&&bytes>4000){if(!kafka)say("t cut");printf "%s",out}}'
# Lines of a log4j configuration that name files and layouts.
J='/^[ \t]*[#!]/{next}/[Ff]ile(Name)?["\047]?[ \t]*[:=]/||/%m/{print "p "substr($0,1,300)}'
# A systemd unit: paths and allowed overrides of its command, LOG_DIR, log4j options.
Z=$A'/^ExecStart=/{sub(/^ExecStart=[-@:+!]*/,"");if($0!~/kafka-server-start|kafka\.Kafka|SupportedKafka/)next;print "c unit";n=split($0,w," ");for(i=1;i<=n;i++){x=w[i];gsub(/["\047]/,"",x);if(w[i-1]=="--override"){y=x;sub(/=.*/,"",y);if(allow(y))print "O "substr(x,1,1000)}else if(x~/\.properties$/)print "a "x;else if(x~/^\/.*\/bin\/kafka-server-start/){y=x;sub(/\/bin\/[^\/]*$/,"",y);print "h "y}}}
/^WorkingDirectory=/{sub(/^[^=]*=/,"");print "w "$0}
/^Environment=/{if(match($0,/LOG_DIR=[^ "\047]+/))print "d "substr($0,RSTART+8,RLENGTH-8);if(match($0,/-Dlog4j2?\.configuration(File)?=[^ "\047]+/)){x=substr($0,RSTART,RLENGTH);sub(/^[^=]*=/,"",x);print "j "x}}'
# look ROOT: takes the lines of $x apart and reads the files that they name.
look() {
a= d= j= h= w= v= D=
set -f;IFS=$N
for y in $x;do case $y in 'a '*) a=${y#a };; 'd '*) d=${y#d };; 'j '*) j=${y#j };; 'h '*) h=${y#h };; 'w '*) w=${y#w };; 'v '*) v=1;; 'O log.dirs='*|'O log.dir='*) D=${y#*=};; esac;done
unset IFS;set +f
[ -n "$x" ]&&echo "$x"
[ -z "$v" ]&&for y in "$1$h"/libs/kafka_2.*.jar "$1$h"/kafka_2.*.jar "$1$h"/share/java/kafka/kafka_2.*.jar;do [ -n "$h" ]&&[ -e "$y" ]&&echo "V ${y##*/}";done
case $a in ''|/*) ;; *) if [ -n "$w" ];then a=$w/$a;elif [ -n "$h" ];then a=$h/${a#./};fi;; esac
[ -n "$a" ]&&conf "$1" "$a"
case $j in file:///*) j=${j#file://};; file:*) j=${j#file:};; esac
case $j in ''|/*) ;; *) [ -n "$w" ]&&j=$w/$j;; esac
if [ -z "$j" ]||[ ! -r "$1$j" ];then for y in "${a%/*}/log4j.properties" "${a%/*}/log4j2.yaml" "${a%/*}/log4j2.properties" "$h/config/log4j.properties" "$h/config/log4j2.yaml" /etc/kafka/log4j.properties;do case $y in /*) [ -r "$1$y" ]&&{ j=$y;break;};; esac;done;fi
[ -n "$j" ]&&[ -r "$1$j" ]&&{ echo "l $j";awk "$J" "$1$j" 2>/dev/null|head -n 60;}
[ -n "$d" ]||case $h in /*) d=$h/logs;; esac
[ -n "$d" ]&&there "$1" "$d"
}
# conf ROOT FILE: its settings, and which of its log dirs are there.
conf() {
if [ ! -e "$1$2" ];then echo "f missing $2";return;elif [ ! -r "$1$2" ];then echo "f unreadable $2";return;fi
echo "f readable $2";y=$(awk "$S" "$1$2" 2>/dev/null);[ -n "$y" ]&&echo "$y"
set -f;IFS=$N
for b in $y;do case $b in 's log.dirs='*) D=${b#*=};; 's log.dir='*) [ -n "$D" ]||D=${b#*=};; esac;done
IFS=,;set -- "$1" ${D:-/tmp/kafka-logs};unset IFS;set +f;r=$1;shift
for b do b=${b# };[ -d "$r$b" ]&&if [ -e "$r$b/meta.properties" ];then echo "e meta $b";else echo "e dir $b";fi;done
}
# there ROOT DIR: how many log files it has.
there() { if [ ! -d "$1$2" ];then echo "L missing $2";elif [ ! -r "$1$2" ]||[ ! -x "$1$2" ];then echo "L unreadable $2";else n=0;for y in "$1$2"/*.log* "$1$2"/*.out*;do [ -f "$y" ]&&n=$((n+1));done;echo "L $n $2";fi;}
boot=;[ -r "$P/stat" ]&&while read -r k v;do [ "$k" = btime ]&&boot=$v;done <"$P/stat"
# Where processes of others are hidden (hidepid), none seen is not none there.
[ -r "$P/1/stat" ]&&echo 'H 1'
[ "$(id -u 2>/dev/null)" = 0 ]&&echo 'H root'
z=$(getconf CLK_TCK 2>/dev/null||echo 100)
mine=$(readlink "$P/self/ns/mnt" 2>/dev/null)
max=$(cat "$P/sys/vm/max_map_count" 2>/dev/null)
pids= here=
for f in $(cd "$P" 2>/dev/null&&grep -l -E 'kafka\.Kafk[a]|SupportedKafk[a]|kafka-nativ[e]|-Dkafka\.logs\.dir=' [0-9]*/cmdline 2>/dev/null);do
p=${f%/cmdline}
x=$(tr '\0' '\n' <"$P/$f" 2>/dev/null|awk "$C")
[ -n "$x" ]||continue
pids="$pids|\\($p\\)|process $p |pid=$p,";echo "B $p"
w=$(readlink "$P/$p/cwd" 2>/dev/null);[ -n "$w" ]&&x="$x${N}w $w"
root=$R;s=$(readlink "$P/$p/ns/mnt" 2>/dev/null)
if [ -n "$s" ]&&[ -n "$mine" ]&&[ "$s" != "$mine" ];then if [ -r "$P/$p/root/" ];then root=$P/$p/root;else echo 'r! -';root=/nonexistent;fi;fi
[ -n "$root" ]&&[ $root != /nonexistent ]&&echo "r $root"
u=$(grep -o -E '[^/]+\.service' "$P/$p/cgroup" 2>/dev/null|tail -n 1);[ -n "$u" ]&&echo "g $u"
{ read -r s <"$P/$p/stat";} 2>/dev/null&&{ set -- ${s##*") "};[ $# -ge 20 ]&&[ -n "$boot" ]&&echo "T ${20} $boot $z";}
[ -r "$P/$p/fd" ]&&[ -x "$P/$p/fd" ]&&echo "n $(ls "$P/$p/fd" 2>/dev/null|grep -c '')"
awk '/^Max open files/{print "N "$4}' "$P/$p/limits" 2>/dev/null
[ -r "$P/$p/maps" ]&&s=$(grep -c '' "$P/$p/maps" 2>/dev/null)&&[ "$s" != 0 ]&&echo "m $s"
[ -n "$max" ]&&echo "M $max"
look "$root"
here=1
done
seen=
for f in "$R"/etc/systemd/system/*kafka*.service "$R"/usr/lib/systemd/system/*kafka*.service "$R"/lib/systemd/system/*kafka*.service;do
[ -r "$f" ]||continue
u=${f##*/};case $seen in *" $u "*) continue;; esac;seen="$seen $u "
x=$(awk "$Z" "$f" 2>/dev/null);case $x in *'c unit'*) echo "U $u";[ -n "$R" ]&&echo "r $R";look "$R";; esac
done
# What is installed or lies about matters only where nothing runs.
if [ -z "$here" ];then
for f in "$R"/opt/*kafka* "$R"/opt/*/kafka "$R"/usr/local/*kafka* "$R"/srv/*kafka* "$R"/usr/share/kafka* "$R"/usr/lib/kafka* "$R"/usr/hdp/current/kafka-broker "$R"/home/kafka/*kafka* "$R"/app/kafka* "$R"/kafka "$R"/data/kafka;do
[ -e "$f/bin/kafka-server-start.sh" ]||[ -d "$f/libs" ]||continue
f=${f#"$R"};echo "I $f";x="h $f";for y in "$R$f"/libs/kafka_2.*.jar;do [ -e "$y" ]&&echo "V ${y##*/}";done;there "$R" "$f/logs"
for y in "$f"/config/server.properties "$f"/config/kraft/server.properties "$f"/conf/server.properties;do [ -e "$R$y" ]&&{ echo "F $y";[ -n "$R" ]&&echo "r $R";x="a $y${N}h $f";look "$R";};done
done
for y in "$R"/usr/share/java/kafka/kafka_2.*.jar;do [ -e "$y" ]&&{ echo 'I /usr';echo "V ${y##*/}";};done
for f in "$R"/etc/kafka*/server*.properties "$R"/etc/kafka*/*/server*.properties "$R"/etc/*/kafka/server.properties "$R"/services/etc/kafka*/server*.properties "$R"/data/etc/kafka*/server*.properties;do
[ -e "$f" ]||continue
f=${f#"$R"};echo "F $f";[ -n "$R" ]&&echo "r $R";x="a $f";look "$R"
done
for f in "$R"/var/lib/kafka* "$R"/var/lib/kafka*/* "$R"/var/kafka* "$R"/var/local/kafka* "$R"/tmp/kafka-logs* "$R"/kafka* "$R"/kafka*/* "$R"/data* "$R"/data*/* "$R"/data/*/* "$R"/mnt/* "$R"/mnt/*/* "$R"/srv/* "$R"/srv/*/* "$R"/services/* "$R"/services/*/* "$R"/disk*/* "$R"/bitnami/kafka/data "$R"/opt/*kafka*/* "$R"/usr/local/*kafka*/* "$R"/home/kafka/* "$R"/app/kafka*/*;do
[ -e "$f/meta.properties" ]||continue
echo "D ${f#"$R"}";[ -n "$R" ]&&echo "r $R";[ -r "$f/meta.properties" ]&&awk '/^[ \t]*(broker\.id|node\.id|cluster\.id)[ \t]*[=:]/{gsub(/[ \t]/,"");print "i "substr($0,1,100)}' "$f/meta.properties" 2>/dev/null
done
fi
echo X
for f in /var/log/kafka* /services/log/kafka* /services/logs/kafka* /opt/*kafka*/logs /usr/local/*kafka*/logs /data/log*/kafka* /srv/kafka*/logs /var/log/confluent/kafka* /opt/*/kafka/logs;do
for y in "$R"$f;do [ -d "$y" ]&&for s in "$y"/server.log*;do [ -e "$s" ]&&{ echo "Y ${y#"$R"}";break;};done;done
done
if [ -n "$R" ];then cat "$R/var/log/dmesg" 2>/dev/null;else dmesg 2>/dev/null||journalctl -k -q --no-pager -n 5000 -o short-unix 2>/dev/null;fi|grep -a -E '[Oo]ut of memory: Kill|oom-kill:|Killed process'|grep -a -E "java|kafka$pids"|tail -n 20|cut -c 1-300|sed 's/^/k /'
[ -n "$boot" ]&&echo "t $boot"
echo E
