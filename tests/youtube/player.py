"""The synthetic player script: just enough for yt-dlp's EJS solver to find and run both challenges.

What the solver asks of a player (yt_dlp_ejs, yt/solver/core): a program of two statements, the second
`(function(g){...})(_yt_player)` whose first statement is dropped; and in it a top-level function that says `x.set("alr","yes")`,
is called as `f(url, "s", encodeURIComponent(s))` and returns an object with get, set and one more method on its prototype,
which rewrites `n`.
"""

from .signing import ALPHABET, DROPPED, SHIFT

PLAYER_ID = "5107ce01"
PLAYER_PATH = f"/s/player/{PLAYER_ID}/player_ias.vflset/en_US/base.js"
SIGNATURE_TIMESTAMP = 20345

_PROGRAM = """\
var _yt_player={};
(function(g){
var window=this;
'use strict';
var config={signatureTimestamp:%(sts)d};
class Location{
  constructor(url){this.url=url;this.values=new Map()}
  get(name){return this.values.get(name)}
  set(name,value){this.values.set(name,value)}
  rewrite(){
    var n=this.get("n");
    if(n)this.set("n",[...n].reverse().map((c,i)=>alphabet[(alphabet.indexOf(c)+%(shift)d*(i+1))%%64]).join(""))
  }
}
var alphabet="%(alphabet)s";
var decipher=function(s){
  var a=[...s].slice(%(dropped)d).reverse(),other=Math.floor(a.length/2),first=a[0];
  a[0]=a[other];a[other]=first;
  return a.join("")
};
var locate=function(url,name,s){
  var location=new Location(url);
  location.set("alr","yes");
  if(s)location.set(name,encodeURIComponent(decipher(decodeURIComponent(s))));
  return location
};
%(filler)s
g.locate=locate;
})(_yt_player);
"""
_FILLER = "var f{0}=function(a,b){{return a?b+{0}:[a,b,{{k{0}:a}}].map(function(c){{return c}})}};"


def player_js(size: int = 20_000) -> str:
    """A player of about `size` characters; deno's time grows with it (20 KB: 0.15 s, a real 2.6 MB: 1.3 s)."""
    lines = range(max(0, size - len(_PROGRAM)) // (len(_FILLER) + 8))
    filler = "\n".join(_FILLER.format(line) for line in lines)
    return _PROGRAM % {"sts": SIGNATURE_TIMESTAMP, "alphabet": ALPHABET, "shift": SHIFT, "dropped": DROPPED, "filler": filler}
