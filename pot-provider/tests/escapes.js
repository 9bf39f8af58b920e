/**
 * Ways out of a process, each of which must fail in a sandbox and succeed without one. `port` is one where HTTP is
 * served, `scratch` a file that may be written, `pid` a process that lives.
 */
// deno-lint-ignore-file no-unused-vars -- run by name, see `attempt` at the end

const must = (value) => {
  if (!value) throw new Error("nothing there");
};

const escapes = {
  "environment": () => must(Deno.env.get("PATH")),
  "environment of node": () => must(process.env.PATH),
  "environment as a whole": () => must(Object.keys(Deno.env.toObject()).length),
  "read a file": () => Deno.readTextFileSync("/etc/hosts"),
  "read a file by node": async () => (await import("node:fs")).readFileSync("/etc/hosts"),
  "read its own program": ({ program }) => Deno.readTextFileSync(new URL(program)),
  "list a folder": () => must([...Deno.readDirSync("/")].length),
  "look at a file": () => Deno.statSync("/etc/hosts"),
  "where the service lives": () => must(Deno.cwd() !== "/"),
  "write a file": ({ scratch }) => Deno.writeTextFileSync(scratch, "escaped"),
  "write a file by node": async ({ scratch }) => (await import("node:fs")).writeFileSync(scratch, "escaped"),
  "make a temporary file": () => Deno.removeSync(Deno.makeTempFileSync()),
  "keep data in storage": () => localStorage.setItem("escaped", "1"),
  "keep data in a cache": async () => {
    await (await caches.open("escaped")).put("http://escaped.invalid/", new Response("1"));
  },
  "open a database": async ({ scratch }) =>
    new (await import("node:sqlite")).DatabaseSync(`${scratch}.db`).close(),
  "spawn": () => new Deno.Command("/bin/true").outputSync(),
  "spawn deno": ({ deno }) => new Deno.Command(deno, { args: ["--version"] }).outputSync(),
  "spawn by node": async () => {
    (await import("node:child_process")).execFileSync("/bin/true");
  },
  "fetch": async ({ port }) => await (await fetch(`http://127.0.0.1:${port}/`)).text(),
  "fetch a file": async () => await (await fetch("file:///etc/hosts")).text(),
  "connect": ({ port }) => Deno.connect({ port }).then((connection) => connection.close()),
  "connect by node": async ({ port }) => {
    const { connect } = await import("node:net");
    await new Promise((resolve, reject) => {
      const socket = connect(port, "127.0.0.1", () => resolve(socket.destroy()));
      socket.on("error", reject);
    });
  },
  "request by node": async ({ port }) => {
    const { get } = await import("node:http");
    await new Promise((resolve, reject) => {
      get(`http://127.0.0.1:${port}/`, (answer) => resolve(answer.destroy())).on("error", reject);
    });
  },
  "web socket": async ({ port }) => {
    await new Promise((resolve, reject) => {
      const socket = new WebSocket(`ws://127.0.0.1:${port}/`);
      socket.onopen = () => resolve(socket.close());
      socket.onerror = () => reject(new Error("refused"));
    });
  },
  "listen": () => Deno.listen({ port: 0 }).close(),
  "listen on a unix socket": ({ scratch }) =>
    Deno.listen({ transport: "unix", path: `${scratch}.socket` }).close(),
  "serve": () => Deno.serve({ port: 0, onListen: () => {} }, () => new Response()).shutdown(),
  "resolve a name": () => Deno.resolveDns("localhost", "A", { nameServer: { ipAddr: "127.0.0.1", port: 9 } }),
  "resolve a name by node": async () => {
    const { lookup } = await import("node:dns/promises");
    await lookup("localhost");
  },
  "load a library": ({ library }) => Deno.dlopen(library, {}).close(),
  "name of the host": () => Deno.hostname(),
  "user": async () => (await import("node:os")).userInfo(),
  "signal a process": ({ pid }) => Deno.kill(pid, "SIGCONT"),
  "signal a process by node": ({ pid }) => process.kill(pid, 0),
  "import a remote module": ({ port }) => import(`http://127.0.0.1:${port}/module.js`),
  "import a file": ({ module }) => import(module),
  "import from a registry": () => import(["npm", "is-number@7.0.0"].join(":")),
  "import from another registry": () => import(["jsr", "@std/assert@1"].join(":")),
  "ask for a permission": async () =>
    must((await Deno.permissions.request({ name: "net" })).state === "granted"),
};

/** Those by workers, which a sandbox may also not survive. */
const workers = {
  "fetch in a worker": ({ port }) => ask(`await (await fetch("http://127.0.0.1:${port}/")).text()`),
  "keep data in a worker": () =>
    ask(`await (await caches.open("escaped")).put("http://a/", new Response("1"))`),
  "read in a worker of node": async () => {
    const { Worker } = await import("node:worker_threads");
    const code = 'try { require("node:fs").readFileSync("/etc/hosts") } catch { process.exit(3) }';
    const worker = new Worker(code, { eval: true });
    await new Promise((resolve, reject) => {
      worker.on("error", reject);
      worker.on("exit", (code) => code ? reject(new Error("denied")) : resolve());
    });
  },
};

/** Do something in a worker. */
async function ask(work) {
  const code = `try { ${work}; postMessage("done") } catch (error) { postMessage(error.name) }`;
  const worker = new Worker(`data:text/javascript,${encodeURIComponent(code)}`, {
    type: "module",
  });
  try {
    const outcome = await new Promise((resolve, reject) => {
      worker.onmessage = (event) => resolve(event.data);
      worker.onerror = (event) => {
        event.preventDefault();
        reject(new Error(event.message));
      };
    });
    if (outcome !== "done") throw new Error(outcome);
  } finally {
    worker.terminate();
  }
}

/** What became of the ways: "allowed", or the name of the error. */
async function attempt(ways, surroundings) {
  const outcomes = {};
  for (const [name, escape] of Object.entries(ways)) {
    try {
      await escape(surroundings);
      outcomes[name] = "allowed";
    } catch (error) {
      outcomes[name] = `denied: ${error?.name}`;
    }
  }
  return outcomes;
}
