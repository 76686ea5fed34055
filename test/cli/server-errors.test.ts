/** The errors of commands at a place that they cannot use: a wrong address, a token, another server, and two places at once. */
import { mkdtempSync, readdirSync, rmSync } from "node:fs"
import type { IncomingMessage, ServerResponse } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { ask } from "../../src/cli/serverClient.ts"
import { failedOf } from "../../src/cli/serverError.ts"
import { noteOn, SlowServer } from "../../src/cli/slowServer.ts"
import { JobStore } from "../../src/index.ts"
import { counting, squares } from "../support/cli/count.ts"
import { converge, module, runCount } from "../support/cli/inProcess.ts"
import { nobody, withStranger } from "../support/cli/strangers.ts"
import { type Running, serve } from "../support/server/harness.ts"
import { until } from "../support/until.ts"

const folder = mkdtempSync(join(tmpdir(), "converge-errors-"))
const file = join(folder, "jobs.db")
let running: Running
let memory: Running

const tokens = [
  { name: "all", token: "all-rights" },
  { name: "reads", token: "only-reads", scopes: ["read" as const] },
  { name: "other", token: "other-program", programs: ["squares"] }
]

beforeAll(async () => {
  await runCount("counting", ["--quiet", "--store", file, "--id", "co"])
  running = await serve({ programs: [counting, squares], tokens }, { store: JobStore.layerSqlite({ filename: file }) })
  memory = await serve({ programs: [counting] })
  await memory.post("/api/v1/jobs", { program: "counting", id: "co", input: {} })
}, 60_000)
afterAll(async () => {
  await running.stop()
  await memory.stop()
  rmSync(folder, { recursive: true, force: true })
})

const refused = async (
  args: ReadonlyArray<string>,
  code: number,
  said: string | RegExp,
  environment: Readonly<Record<string, string>> = {}
) => {
  const ended = await converge(args, { environment })
  expect([args, ended.code, ended.stdout], ended.stderr).toEqual([args, code, ""])
  expect(ended.stderr).toMatch(said)
  expect(ended.stderr).toMatch(/^converge: /)
}

const readers: ReadonlyArray<ReadonlyArray<string>> = [
  ["jobs"],
  ["show", "co"],
  ["watch", "co"],
  ["events", "co"],
  ["verify"],
  ["approvals"],
  ["run", "-p", "counting"],
  ["resume", "co"],
  ["fork", "co"],
  ["cancel", "co"],
  ["pause", "co"],
  ["prune", "--older-than", "1d"]
]

describe("a server that cannot be used", () => {
  it.each(readers)("is told of where nobody listens: %j", async (...args) =>
    refused([...args, "--server", await nobody()], 70, /the server \S+ cannot be reached: nothing listens there\n$/)
  )

  it("is told of where there is another server, or one of another version", async () => {
    const html = "<!doctype html><title>Welcome</title>"
    const answers = [
      { status: 404, type: "text/html", body: html },
      { status: 200, type: "text/html", body: html },
      { status: 200, type: "application/json", body: '{"hello": 1}' },
      {
        status: 404,
        type: "application/problem+json",
        body: '{"type":"urn:effect-converge:UnknownRoute","status":404}'
      }
    ]
    for (const { body, status, type } of answers) {
      const stranger = (_: unknown, response: ServerResponse) =>
        void response.writeHead(status, { "content-type": type }).end(body)
      await withStranger(stranger, async (url) => {
        for (const args of readers) {
          await refused(
            [...args, "--server", url],
            70,
            /http:\S+ (answered with status 404|gave an answer that does not fit): it is no converge server, or one of another version/
          )
        }
      })
    }
  })

  it("is no mistake of the call where its queue is full", () => {
    const full = { _tag: "QueueFull", message: "", detail: "there is no place", status: 429 }
    const failed = failedOf({ _tag: "Server", url: "http://it", token: undefined }, full)
    expect(failed).toMatchObject({ _tag: "CommandFailed", message: "there is no place" })
  })

  const copy = join(folder, "stranger.db")

  it("is told of where a backup comes from another server, and names no file but the user's", async () => {
    for (const [status, type, body] of [
      [200, "text/html", "<!doctype html><title>Welcome</title>"],
      [200, "application/json", '{"hello": 1}'],
      [200, "application/octet-stream", ""],
      [404, "text/html", "none"]
    ] as const) {
      const said =
        /^converge: http:\S+ (gave an answer that does not fit|answered with status 404): it is no .+ path\n$/
      await withStranger(
        (_, response) => void response.writeHead(status, { "content-type": type }).end(body),
        (url) => refused(["backup", copy, "--server", url], 70, said)
      )
    }
    expect(readdirSync(folder).filter((name) => name.startsWith("stranger"))).toEqual([])
  })

  it.each([...readers.slice(0, 5), ["backup", copy]])("is asked again by the user when it broke off: %j", (...args) =>
    withStranger(
      (_, response) => {
        response.writeHead(200, { "content-type": "application/json" }).write('{"jobs":[')
        setImmediate(() => response.destroy())
      },
      (url) =>
        refused(
          [...args, "--server", url],
          70,
          /^converge: the connection to the server \S+ broke in the middle of an answer: try again\n$/
        )
    )
  )

  it("is asked again by the user when a proxy answers for it", async () => {
    for (const status of [429, 502, 503, 504]) {
      for (const [type, body] of [
        ["text/html", "<h1>Bad Gateway</h1>"],
        ["application/json", '{"message":"no upstream"}'],
        ["text/plain", ""]
      ] as const) {
        await withStranger(
          (_, response) => void response.writeHead(status, { "content-type": type }).end(body),
          async (url) => {
            for (const args of [...readers, ["backup", copy]]) {
              const said = `the server ${url}, or a proxy before it, answered with status ${status}: try again later\n`
              await refused([...args, "--server", url], 70, said)
            }
          }
        )
      }
    }
  })

  it("is not waited for longer than it is asked to cancel a job", () =>
    withStranger(
      () => undefined,
      (url) => refused(["cancel", "co", "--timeout", "50ms", "--server", url], 3, "has not ended within 50 ms")
    ))

  it("is waited for, and told of once when it has not answered for ten seconds", async () => {
    let asked = 0
    const said: Array<string> = []
    const note = noteOn({ warn: (text) => Effect.sync(() => void said.push(text)) })
    await withStranger(
      () => void asked++,
      (url) =>
        Effect.gen(function* () {
          const list = ask({ _tag: "Server", url, token: undefined }, ({ jobs }) => jobs.list({ query: {} }))
          const both = yield* Effect.forkChild(Effect.all([list, list], { concurrency: 2 }))
          yield* Effect.promise(() => until(() => asked === 2))
          yield* TestClock.adjust("9 seconds")
          expect(said).toEqual([])
          yield* TestClock.adjust("1 second")
          expect(said).toEqual([`converge: the server ${url} has not answered yet: Ctrl-C gives up`])
          yield* TestClock.adjust("1 hour")
          expect([said.length, both.pollUnsafe()]).toEqual([1, undefined])
        }).pipe(Effect.provideService(SlowServer, note), Effect.provide(TestClock.layer()), Effect.runPromise)
    )
  })

  it("is told of where the connection is cut", () =>
    withStranger(
      (request) => void request.socket.destroy(),
      (url) => refused(["jobs", "--server", url], 70, "cannot be reached: the connection was cut")
    ))

  it("is asked again for the end of a job that was followed, when it went away just then", async () => {
    const passOn = async (path: string, response: ServerResponse) => {
      const answer = await fetch(running.url + path, { headers: { authorization: "Bearer all-rights" } })
      response.writeHead(answer.status, { "content-type": String(answer.headers.get("content-type")) })
      response.end(await answer.text())
    }
    let refusals = 0
    const flaky = (request: IncomingMessage, response: ServerResponse) => {
      if (request.url === "/api/v1/jobs/co/journal" && refusals < 2) {
        refusals++
        request.socket.destroy()
        return
      }
      void passOn(String(request.url), response)
    }
    await withStranger(flaky, async (url) => {
      const watched = await converge(["watch", "co", "--server", url])
      const stderr =
        `converge: the server ${url} does not answer: trying again for 32.0 s\n` +
        `converge: the server ${url} answers again\n`
      expect(watched).toEqual({ ...(await converge(["watch", "co", "--store", file])), stderr })
      expect(refusals).toBe(2)
    })
  })

  it("takes an address with a slash at its end, and refuses one that is none", async () => {
    const environment = { CONVERGE_TOKEN: "all-rights" }
    expect((await converge(["show", "co", "--server", `${running.url}/`], { environment })).code).toBe(0)
    for (const url of ["jobs.db", "ftp://localhost", "http://localhost:8080/?a=1", ""]) {
      await refused(["jobs", "--server", url], 64, "--server needs an address such as http://localhost:8080")
    }
  })
})

describe("an id that no path of a server can hold", () => {
  const commands: ReadonlyArray<readonly [name: string, ...rest: ReadonlyArray<string>]> = [
    ...[["show"], ["watch"], ["events"], ["cancel"], ["replay"], ["resume"], ["fork"], ["delete", "-y"]],
    ...[["verify"], ["explain", "Number/n/0"], ["lineage", "Number/n/0"], ["diff", "0", "1"]]
  ].map(([name = "", ...rest]) => [name, ...rest] as const)
  const odd = ["..", ".", "", "long".repeat(2_500)]

  it.each(commands)("is that of no job, as in a file: %s", async (name, ...rest) => {
    for (const id of odd) {
      const said = `converge: there is no job ${id}\n`
      const args = name === "verify" ? [name, "--id", id] : [name, id, ...rest]
      const environment = { CONVERGE_TOKEN: "all-rights" }
      const asked = await converge([...args, "--server", running.url], { environment })
      expect(asked).toEqual({ code: 64, stdout: "", stderr: said })
      // These two want a module first.
      if (name !== "resume" && name !== "fork") expect(await converge([...args, "--store", file])).toEqual(asked)
    }
  })

  it("is that of no job to a command that only a server can do, and no new job can have it", async () => {
    for (const id of odd) {
      for (const args of [["pause"], ["approvals"], ["approve", "go"], ["signal", "--fact", "Number={}"]]) {
        const [name = "", ...rest] = args
        await refused([name, id, ...rest, "--server", memory.url], 64, /: there is no job \S*\n$/)
      }
      await refused(["run", "-p", "counting", "--id", id, "--server", memory.url], 64, "a job's id must be")
    }
    const all = { CONVERGE_TOKEN: "all-rights" }
    await refused(["diff", "co", "..", "--server", running.url], 64, "there is no job ..", all)
  })
})

describe("an address with a password", () => {
  it("is refused, and the password is not shown", async () => {
    for (const url of ["http://ada:secret@localhost:1", "ftp://ada:secret@localhost", "ada:secret@localhost"]) {
      const { code, stderr, stdout } = await converge(["jobs", "--server", url])
      expect([code, stdout]).toEqual([64, ""])
      expect(stderr).toMatch(/^converge: --server (takes no name and no password|needs an address)/)
      expect(stderr).not.toContain("secret")
    }
  })
})

describe("a token", () => {
  it.each(readers)("that is missing or unknown is asked for: %j", async (...args) => {
    await refused([...args, "--server", running.url], 64, "wants a token: set CONVERGE_TOKEN")
    const environment = { CONVERGE_TOKEN: "guessed" }
    await refused([...args, "--server", running.url], 64, "does not know the token in CONVERGE_TOKEN", environment)
  })

  it("that may not do it is told so, and never shown", async () => {
    const reads = { CONVERGE_TOKEN: "only-reads" }
    expect((await converge(["show", "co", "--server", running.url], { environment: reads })).code).toBe(0)
    await refused(["cancel", "nobody", "--server", running.url], 64, /./, reads)
    await refused(["prune", "--older-than", "1d", "--server", running.url], 64, "scope steer", reads)
    const other = { CONVERGE_TOKEN: "other-program" }
    await refused(["replay", "co", "--server", running.url], 64, "the jobs of other programs", other)
    await refused(["export", "co", "--out", join(folder, "x"), "--server", running.url], 64, "other programs", other)
    const listed = await converge(["jobs", "--server", running.url], { environment: other })
    expect([listed.code, listed.stdout]).toEqual([0, "no jobs\n"])
  })
})

describe("two places", () => {
  const places = { CONVERGE_STORE: file, CONVERGE_SERVER: "http://127.0.0.1:9999" }

  it("are refused, by flags or by the environment, and a flag decides", async () => {
    const both = ["--store", file, "--server", running.url]
    for (const args of readers.filter(([name]) => name !== "pause")) {
      await refused(args[0] === "run" ? ["run", ...both] : [...args, ...both], 64, /give --store or --server|run needs/)
    }
    await refused(["jobs"], 64, "CONVERGE_STORE and CONVERGE_SERVER are both set: give --store or --server", places)
    expect((await converge(["jobs", "--store", file], { environment: places })).code).toBe(0)
    const named = await converge(["jobs", "--server", memory.url], { environment: places })
    expect([named.code, named.stderr]).toEqual([0, ""])
  })

  it("may come from the environment, one at a time; none at all is an error", async () => {
    const store = { CONVERGE_STORE: file, CONVERGE_SERVER: "" }
    expect((await converge(["show", "co"], { environment: store })).stdout).toContain("co converged")
    expect((await converge(["jobs"], { environment: { CONVERGE_SERVER: memory.url } })).stdout).toContain("counting")
    await refused(
      ["jobs"],
      64,
      "where are the jobs? Give --store or --server, or set CONVERGE_STORE or CONVERGE_SERVER"
    )
  })

  it("do not change what a module is: run keeps its job in the file, and verify runs the module", async () => {
    const environment = { ...places, CONVERGE_STORE: join(folder, "kept.db") }
    expect((await runCount("counting", ["--quiet", "--id", "kept"], { environment })).code).toBe(0)
    const kept = ["show", "kept", "--store", join(folder, "kept.db")]
    expect((await converge(kept)).stdout).toContain("kept converged")
    const args = ["verify", module("count"), "-p", "counting", "--workers", "0", "--shuffles", "0", "--quiet"]
    expect((await converge(args, { environment })).stdout).toContain("is deterministic")
    await refused(["run", module("count"), "--server", running.url], 64, "leave the module out")
    await refused(
      ["run", "-p", "counting", "--workers", "2", "--server", running.url],
      64,
      "--workers is about a job on"
    )
    await refused(["fork", module("count"), "co", "--server", running.url], 64, "leave the module out")
    await refused(["resume", "./count.ts", "--server", running.url], 64, "is no job's id")
  })
})

describe("a command that only one of them can do", () => {
  it.each([
    ["pause", "co"],
    ["signal", "co", "--fact", "Number={}"],
    ["approve", "co", "go"]
  ])("says so of a file: %s", async (...args) => {
    const said = /only the engine that runs a job can .+ it, not its file. Serve it .+ and give --server\n$/
    await refused([...args, "--store", file], 64, said)
    await refused(args, 64, said, { CONVERGE_STORE: file })
    await refused(args, 64, "which server? Give --server, or set CONVERGE_SERVER")
  })

  it.each([["restore", "copy.db"]])("says so of a server: %s", async (...args) => {
    await refused(
      [...args, "--server", running.url],
      64,
      /--server: this command replaces a file, .+ Give --store on the machine/
    )
    await refused(args, 64, "CONVERGE_SERVER is set, and --store is not", { CONVERGE_SERVER: running.url })
    await refused(args, 64, "which file? Give --store, or set CONVERGE_STORE")
  })
})

describe("a server without a durable store", () => {
  const on = (...args: ReadonlyArray<string>) => converge([...args, "--server", memory.url])

  it("has the commands that need no journal", async () => {
    const list = JSON.parse((await on("jobs", "--json")).stdout) as { readonly jobs: ReadonlyArray<object> }
    const stored = JSON.parse((await converge(["jobs", "--json", "--store", file])).stdout) as typeof list
    const lasting = { createdAt: 0, haltedAt: 0 }
    expect(list.jobs.map((job) => ({ ...job, ...lasting }))).toEqual(stored.jobs.map((job) => ({ ...job, ...lasting })))
    const shown = await on("show", "co", "--json", "--facts")
    const shownStored = await converge(["show", "co", "--json", "--facts", "--store", file])
    const [held, kept] = [shown, shownStored].map(({ stdout }) => JSON.parse(stdout) as Record<string, unknown>)
    const apart = { ...lasting, usage: null, programVersion: null, tier: null }
    expect({ ...held, ...apart }).toEqual({ ...kept, ...apart })
    expect((await on("show", "co")).stdout).toMatch(/^✔ co converged\n[^]*facts\n {2}Number {2}5[^]*output\n {2}5\n$/)
    expect(await on("events", "co", "--json")).toEqual(await converge(["events", "co", "--json", "--store", file]))
    const watched = await on("watch", "co")
    expect([watched.code, watched.stderr]).toEqual([0, ""])
    expect(watched.stdout).toMatch(/^✔ counting converged {2}6 cycles[^]*output\n {2}5\n$/)
    expect((await on("cancel", "co")).stdout).toBe("✔ co converged  before this\n")
  })

  it.each([
    ["explain", "co", "Number/n/0"],
    ["explain", "--id", "co", '["Number","n/-1"]'],
    ["explain", "co", 'Number/"n/0"'],
    ["explain", "co", "Number/none"],
    ["explain", "co", "None/none"],
    ["explain", "co", "None"],
    ["lineage", "co", "Number/n/-3"],
    ["lineage", "co", "Number/n/-3", "--without"],
    ["lineage", "co", "Number/n/0"],
    ["lineage", "co", "Number/none"]
  ])("answers from the job that it holds, as a file does from the journal: %s %s %s", async (...args) => {
    const stored = await converge([...args, "--store", file])
    expect(await on(...args)).toEqual(stored)
    expect(await on(...args, "--json")).toEqual(await converge([...args, "--json", "--store", file]))
    expect(stored.code).toBe(args.some((arg) => arg.endsWith("one")) ? 64 : 0)
  })

  it("says that it does not know the past, and which job it does not have", async () => {
    for (const command of ["explain", "lineage"]) {
      const past = await on(command, "co", "Number/n/0", "--at", "1")
      expect([past.code, past.stdout]).toEqual([3, ""])
      expect(past.stderr).toContain("the server keeps no journals")
      expect(past.stderr).toContain("It knows a job only as it is now: leave --at out")
      const unknown = await on(command, "nobody", "Number/n/0")
      expect([unknown.code, unknown.stderr]).toEqual([64, "converge: there is no job nobody\n"])
    }
  })

  it("is told of by the others", async () => {
    for (const args of [
      ["replay", "co"],
      ["diff", "co", "0", "1"],
      ["verify", "--id", "co"],
      ["fork", "co"]
    ]) {
      await refused([...args, "--server", memory.url], 3, "the server keeps no journals: start it with a durable store")
    }
  })
})
