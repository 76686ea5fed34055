/** The command itself: version, help, statecharts, and watching a job through an inspector's relay. */
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import { readFileSync } from "node:fs"
import { createServer } from "node:net"
import { describe, expect, it, vi } from "vitest"
import { createMachine } from "xstate"
import { jobMachine } from "../../machines/job.machine.ts"
import { workerMachine } from "../../machines/worker.machine.ts"
import { toMermaid } from "../../src/inspector/Statechart.ts"
import { freePort, ownRelay, statelyReceiver, statelyRelay } from "../inspector/relay.ts"
import { converge, runCount, start, module } from "../support/cli/inProcess.ts"
import { importsOf } from "../support/houseStyle.ts"
import { manifest, projectRoot } from "../support/node.ts"

vi.setConfig({ maxConcurrency: 3, testTimeout: 60_000 })

describe.concurrent("converge", () => {
  it.each(["--version", "-v"])("%s prints the package's version", async (flag) => {
    expect(await converge([flag])).toEqual({ code: 0, stdout: `converge v${manifest.version}\n`, stderr: "" })
  })

  it("loads nothing but Node's own modules before it knows that there is something to do", () => {
    const path = "src/cli/main.ts"
    const text = readFileSync(projectRoot + path, "utf8")
    const specifiers = importsOf({ path, text }).map(({ specifier }) => specifier)
    const late = specifiers.filter((specifier) => !specifier.startsWith("node:"))
    expect(late.toSorted()).toEqual(["../platform/quickStart.ts", "./command.ts"])
    expect(late.filter((specifier) => !text.includes(`import("${specifier}")`))).toEqual([])
  })

  it("--help names the commands; without arguments it is the same", async () => {
    const [help, nothing] = await Promise.all([converge(["--help"]), converge([])])
    expect(help).toMatchObject({ code: 0, stderr: "" })
    expect(help.stdout).toMatch(/SUBCOMMANDS\n {2}run +Run a program[^]* {2}machine +Print a statechart/)
    expect(nothing).toEqual(help)
  })

  it("the help of every command is what the documentation and scripts know", async ({ expect }) => {
    const commands = [
      "run",
      "resume",
      "jobs",
      "show",
      "cancel",
      "replay",
      "diff",
      "explain",
      "events",
      "inspect",
      "fork",
      "verify",
      "simulate",
      "backup",
      "restore",
      "prune"
    ]
    const helps = await Promise.all(
      [[], ...[...commands, "serve", "machine", "help"].map((command) => [command])].map((command) =>
        converge([...command, "--help"])
      )
    )
    expect(helps.every(({ code }) => code === 0)).toBe(true)
    await expect(helps.map(({ stdout }) => stdout).join("\n=====\n")).toMatchFileSnapshot("help.txt")
  }, 120_000)

  it("help explains a command, or lists all of them", async () => {
    const help = async (...args: ReadonlyArray<string>) => (await converge(args)).stdout
    const [all, run, flag, runFlag] = await Promise.all([
      help("help"),
      help("help", "run"),
      help("--help"),
      help("run", "--help")
    ])
    expect([all, run]).toEqual([flag, runFlag])
    expect(all).toMatch(/^ {2}help +Explain a command/m)
  })

  it("run --help names every flag and the exit codes, on lines that fit a terminal", async () => {
    const { stdout } = await converge(["run", "--help"])
    const flags =
      "program input input-file workers id json facts explain inspect inspect-stay inspect-stately quiet".split(" ")
    for (const flag of flags) expect(stdout).toMatch(new RegExp(`^ {2}--${flag}\\b`, "m"))
    expect(stdout).toContain("0 converged, 2 budget exhausted, 3 failed, 4 cancelled, 64 usage")
    expect(stdout).toContain("also 3 for a stored\njob that another process holds")
    expect(stdout.split("\n").filter((line) => line.length > 100)).toEqual([])
    expect(stdout).not.toContain("undefined")
  })
})

describe.concurrent("converge machine", () => {
  it("prints the job's machine as Mermaid", async () => {
    expect(await converge(["machine"])).toEqual({ code: 0, stdout: `${toMermaid(jobMachine)}\n`, stderr: "" })
  })

  it("prints a machine as JSON that createMachine takes", async () => {
    const { stdout } = await converge(["machine", "worker", "--format", "json"])
    const machine = createMachine(JSON.parse(stdout) as Parameters<typeof createMachine>[0])
    expect(Object.keys(machine.states)).toEqual(Object.keys(workerMachine.states))
  })
})

describe("--inspect-stately", () => {
  it("publishes the job's machine from its start to its end", async () => {
    const published = Effect.gen(function* () {
      const relay = yield* ownRelay(yield* freePort)
      const ended = yield* Effect.promise(() =>
        runCount("counting", ["--id", "shown", "--quiet", "--inspect-stately", relay.url])
      )
      return { ended, messages: yield* Queue.clear(relay.messages) }
    })
    const { ended, messages } = await Effect.runPromise(Effect.scoped(published))
    expect(ended.code).toBe(0)
    const job = messages.find(({ name, type }) => type === "@xstate.actor" && name === "shown")
    expect(messages.find(({ name }) => name === "worker pool")).toMatchObject({ type: "@xstate.actor" })
    expect(messages.findLast(({ sessionId }) => sessionId === job?.sessionId)).toMatchObject({
      type: "@xstate.snapshot",
      snapshot: { status: "done", value: "converged" }
    })
  })

  it("shows child jobs and workers below their parents, at Stately's own relay and receiver", async () => {
    const published = Effect.gen(function* () {
      const url = yield* statelyRelay
      const messages = yield* statelyReceiver(url)
      const run = ["run", module("parents"), "-p", "parents", "--id", "top", "--workers", "1", "--quiet"]
      const ended = yield* Effect.promise(() => converge([...run, "--inspect-stately", url]))
      return { ended, messages: yield* Queue.clear(messages) }
    })
    const { ended, messages } = await Effect.runPromise(Effect.scoped(published))
    expect(ended).toMatchObject({ code: 0, stderr: "" })
    const actors = messages.filter(({ type }) => type === "@xstate.actor")
    const named = (name: RegExp) => actors.filter((actor) => name.test(String(actor["name"])))
    const [top] = named(/^top$/)
    const children = named(/^top\//)
    expect(children).toHaveLength(2)
    for (const child of children) expect(child).toMatchObject({ parentId: top?.sessionId, rootId: top?.sessionId })
    const [pool] = named(/^worker pool$/)
    const workers = named(/^worker \d+$/)
    expect(workers.length).toBeGreaterThan(0)
    for (const worker of workers) expect(worker).toMatchObject({ parentId: pool?.sessionId })
    // Each has the definition by which an inspector draws it.
    for (const actor of [top!, ...children, ...workers]) {
      expect(
        Object.keys((JSON.parse(String(actor["definition"])) as { readonly states: object }).states).length
      ).toBeGreaterThan(5)
    }
  })

  it("a relay that does not answer does not keep the process", async () => {
    const silent = createServer()
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve))
    const address = silent.address()
    const port = typeof address === "object" && address !== null ? address.port : 0
    const url = `ws://127.0.0.1:${port}`
    const running = start(["run", module("count"), "-p", "counting", "--quiet", "--inspect-stately", url])
    const printed = new Promise<number>((resolve) => {
      running.process.stdout?.once("data", () => resolve(performance.now()))
    })
    const { code } = await running.ended
    expect(code).toBe(0)
    // The handshake alone would take 5 seconds.
    expect(performance.now() - (await printed)).toBeLessThan(2_500)
    silent.close()
  })

  it("nobody listening, or an address that is none, is told apart", async () => {
    const port = await Effect.runPromise(freePort)
    const args = (url: string) => ["--quiet", "--inspect-stately", url]
    expect(await runCount("counting", args(`ws://127.0.0.1:${port}`))).toMatchObject({ code: 0, stderr: "" })
    const refused = await runCount("counting", args("http://127.0.0.1"))
    expect(refused).toMatchObject({ code: 64, stdout: "" })
    expect(refused.stderr).toContain('--inspect-stately: "http://127.0.0.1" is not a ws: or wss: address')
  })
})
