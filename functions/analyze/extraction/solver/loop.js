// The solver's process: one question per line on stdin, one answer per line on stdout, until stdin ends.
//
// The first line brings yt-dlp's solver. It has taken the players apart elsewhere; here they are only run: that needs a
// third of the memory, and V8 remembers what it compiled as long as the text stays the same.

const PLAYERS = 2; // while YouTube moves from one to the next, there are two

async function* lines(stream) {
  let parts = [];
  for await (const chunk of stream.pipeThrough(new TextDecoderStream())) {
    const pieces = chunk.split("\n");
    for (const piece of pieces.slice(0, -1)) {
      yield [...parts, piece].join("");
      parts = [];
    }
    parts.push(pieces.at(-1));
  }
}

function say(answer) {
  let bytes = new TextEncoder().encode(JSON.stringify(answer) + "\n");
  while (bytes.length) bytes = bytes.subarray(Deno.stdout.writeSync(bytes));
}

const players = new Map(); // by URL, the one used last at the end

function remember(url, code) {
  players.delete(url);
  players.set(url, code);
  if (players.size > PLAYERS) players.delete(players.keys().next().value);
}

function answer(jsc, { url, code = players.get(url), requests }) {
  if (code === undefined) return { type: "unknown" };
  remember(url, code);
  const solved = jsc({ type: "preprocessed", preprocessed_player: code, requests });
  return { ...solved, resident: Deno.memoryUsage().rss };
}

let jsc;
for await (const line of lines(Deno.stdin.readable)) {
  const question = JSON.parse(line);
  if (jsc) {
    say(answer(jsc, question));
  } else {
    jsc = Function(`${question.lib}\nObject.assign(globalThis, lib);\n${question.core}\nreturn jsc;`)();
  }
}
