# The records of log files since the cursors that are known. All of a reading goes through one grep and comes out
# numbered; lines that begin with the fence Q tell what the others belong to. Nothing is written, nothing kept open.
#   F|G|X|U|Z|O PATH          what a path is: a file, a zipped one, a directory, unreadable, empty, too old
#   N INDEX WHY               a pattern that matches nothing
#   S FROM BASE CLAIMS PATH   begins a source at an offset; BASE is whose line number goes on there
#   P                         from here on not final: the last record, which may still grow
#   E [INODE OFFSET END HEAD TAIL ZIPPED [WRITTEN]]   ends it; the cursor behind what is final, if there can be one
#   B                         it could not be read to its end
#   = CURSOR PATH             as it was: nothing to read
#   D PATH                    a copy of what has been read already
#   .                         all has been read
N='
'
I=$IFS n=0 S=$N W= K=
# Without these there are no cursors; and a shell with 32 bits can't count in a large file.
z=;for f in dd cksum awk tr ls;do command -v $f >/dev/null||z=1;done
y=;[ $((2147483647+1)) = 2147483648 ]||y=1
e() { [ -e "$1" ]||[ -L "$1" ];}
# What a cursor says.
says() { IFS=:;set -- $1;IFS=$I;ck=$1 ci=$2 co=$3 ce=$4 ch=$5 ct=$6 cz=$7;}
# x: the checksum of up to 256 bytes before an offset; h: of the file's head; xg, gh: of what is zipped there.
v() { x=$(dd if="$p" bs=1 skip=$(($1<256?0:$1-256)) count=$(($1<256?$1:256)) 2>/dev/null|cksum);x=${x%% *};}
u() { h=$(dd if="$p" bs=256 count=1 2>/dev/null|cksum);h=${h%% *};}
xg() { x=$(gzip -dc <"$p" 2>/dev/null|tail -c +$(($1<256?1:$1-255))|dd bs=1 count=$(($1<256?$1:256)) 2>/dev/null|cksum);x=${x%% *};}
gh() { d=$(gzip -dc <"$p" 2>/dev/null|dd bs=1 count=256 2>/dev/null|cksum);d=${d%% *};}
# So many bytes of standard input.
c() { [ $1 -lt 65536 ]||dd bs=65536 count=$(($1/65536))||b=1;[ $(($1%65536)) = 0 ]||dd bs=$(($1%65536)) count=1||b=1;}
# Where the last record begins, or else where the last line ends, from f to e of what is read here.
A='BEGIN{p=0;o=l=-1}{q=p+length($0)+1
if(p>=f&&(p>0||f>=0)){if($0!~/^[ \t]/&&$0~/TRACE|DEBUG|INFO|WARN|ERROR|FATAL/){h=match($0,/20[0-9][0-9]-[01][0-9]-[0-3][0-9][ T][0-9][0-9]:[0-9][0-9]:[0-9][0-9]/);if(h&&h<100)o=p}
if(q<=e)l=q}
else if(q<=e&&q>f)l=q
p=q;if(p>=e)exit}END{if(o<0)o=l;if(o<0)o=f;printf "%.0f",o}'
# Reads a file from an offset: a FROM BASE CLAIMS.
a() { q=$(((s-1)/4096-3));[ $q -ge 0 ]||q=0
o=$(dd if="$p" bs=4096 skip=$q count=4 2>/dev/null|tr '\000' ' '|LC_ALL=C awk "$A" f=$(($1-q*4096)) e=$((s-q*4096)))
case $o in ''|-*[!0-9]*|[!-0-9]*) o=$1;; *) o=$((q*4096+o));; esac
[ $o -ge $1 ]||o=$1
v $o;t=$x b= n=$((n+1))
echo "$Q S $1 $2 $3 $f"
{ [ $1 = 0 ]||dd bs=1 skip=$(($1-1)) count=1 >/dev/null||b=1;c $((o-$1));echo "$Q P";c $((s-o));} <"$p" 2>/dev/null
echo;v $o
if [ "$b" ];then echo "$Q B"
elif [ "$x" = "$t" ];then echo "$Q E $i $o $s $h $t 0";W="$W w$n:$i:$o:$s:$h:$t:0";K="$K,$3,"
else echo "$Q E";fi;}
# The same of a zipped one, whose cursor stands behind all of it.
g() { v $s;t=$x b= n=$((n+1))
echo "$Q S $1 $2 $3 $f"
{ gzip -dc <"$p" 2>/dev/null||{ echo;echo "$Q B";};}|if [ $1 = 0 ];then cat;else tail -c +$(($1+1));fi
echo;echo "$Q E $i $s $s $h $t 1";W="$W w$n:$i:$s:$s:$h:$t:1";K="$K,$3,";}
# By nothing but its name: what nobody writes to any more needs no second look, and has a cursor if $1 says one.
k() { n=$((n+1));echo "$Q S 0 - - $f"
case $Z in 1) gzip -dc <"$f" 2>/dev/null||{ echo;echo "$Q B";};; *) cat <"$f"||{ echo;echo "$Q B";};; esac
echo;echo "$Q E$1";}
# The open file stays the same one, whatever happens to its name.
p() { p=/proc/self/fd/3;[ -r $p ]||p=$f;}
# A file that cursors know by its inode.
j() { p
m=0 mk= me= ml=
for w in $C;do case $w in *:$i:*) says $w;[ $ci = $i ]&&[ $cz = $Z ]&&[ $ct != 0 ]&&[ $s -ge $co ]||continue
v $co;[ "$x" = $ct ]||continue
ml=$ml,$ck;[ $co -le $m ]||m=$co mk=$ck me=$ce h=$ch;; esac;done
[ "$mk" ]||return 1
ml=${ml#,}
if [ $s = $me ]&&[ $ml = $mk ];then n=$((n+1));echo "$Q = $mk $f";W="$W w$n:$i:$m:$me:$h:$x:$Z";K="$K,$mk,";return 0;fi
[ $Z = 0 ]||return 1
[ $m -ge 256 ]||u
a $m $mk $ml;return 0;}
# A file that is known by what it holds, or not at all.
m() { p
m=0 mk= me= ml= d=;u
for w in $W $C;do says $w
[ $ct != 0 ]||continue
case $Z$cz in
11) [ $co = $s ]&&[ $ch = $h ]||continue
v $s;[ "$x" = $ct ]||continue
case $ck,$K in w*) echo "$Q D $f";; *,$ck,*) echo "$Q D $f";; *) n=$((n+1));echo "$Q = $ck $f";W="$W w$n:$i:$co:$ce:$ch:$ct:$cz";K="$K,$ck,";; esac
return 0;;
00) [ $s -ge $co ]||continue
[ $co -lt 256 ]||[ $ch = $h ]||continue
v $co;;
10) if [ $co -ge 256 ];then [ "$d" ]||gh;[ $ch = $d ]||continue;fi
xg $co;;
*) continue;;
esac
[ "$x" = $ct ]||continue
case $ck in w*) ;; *) ml=$ml,$ck;; esac
[ $co -le $m ]||m=$co mk=$ck me=$ce
done
ml=${ml#,}
case $mk,$K in
,*) case $Z in 1) g 0 - -;; *) a 0 - -;; esac;;
w*) if [ $Z = 0 ]&&[ $s = $me ];then echo "$Q D $f";else case $Z in 1) g $m $mk ${ml:--};; *) a $m $mk ${ml:--};; esac;fi;;
*,$mk,*) echo "$Q D $f";;
*) case $Z in 1) g $m $mk $ml;; *) a $m $mk $ml;; esac;;
esac;}
# Inode and size of f, whether it is zipped, and when it was written.
q() { i=0 s=0 Z=0 w=
case $L in *" $f$N"*) L1=${L%%" $f$N"*};set -- ${L1##*"$N"};i=$1 s=$6 w=$7_$8_${9%%:*}_${9#*:};; esac
case $i:$s in *[!0-9:]*|:*|*:) i=0 s=0;; esac
case $f in *.gz) Z=1;; esac;}
# One pass over the files that are there. What was renamed meanwhile has a name for its inode that no pass has
# seen; the last pass sees none.
o() { set --
@GLOBS@
@JOURNAL@
O=all
[ -z "$T" ]||O=$([ $# = 0 ]||find -H "$@" -prune -mmin -$T 2>/dev/null||echo all)
for f do shift
if [ -d "$f" ];then l "X $f";elif [ ! -r "$f" ];then l "U $f";elif [ ! -s "$f" ];then l "Z $f"
elif case $O in all|*"$f"*) false;; *) true;; esac;then l "O $f"
else case $f in *.gz) l "G $f";; *) l "F $f";; esac;set -- "$@" "$f";fi;done
[ $# = 0 ]&&return
H=;[ "$z" ]||H=$N$(find -H "$@" -prune ! -mmin -60 2>/dev/null)$N
L=;[ "$z" ]||L=$N$(ls -Lind -- "$@" 2>/dev/null)$N
for f do shift;q
case $S in *"$N$i $f$N"*) continue;; esac
S="$S$i $f$N" V=1
[ $R = 1 ]||case $Z in 1) echo "$Q G $f";; *) echo "$Q F $f";; esac
case $y:$s in 1:??????????*) s=0;; esac
t=":$i:$s:$s:0:0:$Z:$w"
if [ $s = 0 ];then { k;} 2>/dev/null
elif case " $C " in *"$t "*) true;; *) false;; esac;then x=${C%%"$t"*};x=${x##* };n=$((n+1));echo "$Q = $x $f";K="$K,$x,"
elif [ -z "$C" ]&&case $H in *"$N$f$N"*) true;; *) false;; esac;then { k " $i $s $s 0 0 $Z $w";} 2>/dev/null
elif { j 3<"$f";} 2>/dev/null;then :
else set -- "$@" "$f";fi;done
for f do q;{ m 3<"$f";} 2>/dev/null;done;}
l() { [ $R != 1 ]||echo "$Q $1";}
{ for R in 1 2 3 4 5 6 7 8;do V=;o;[ "$V" ]||break;done;echo "$Q .";}|@GREP@
