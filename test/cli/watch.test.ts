/** Jobs that other processes run, followed to their ends: of a server that is started again, and of a file. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, afterEach, describe, expect, it, vi } from "vitest"
import { converge, jsonOf, module, type Running, start } from "../support/cli/inProcess.ts"
import { until } from "../support/until.ts"

vi.setConfig({ testTimeout: 120_000 })

const folder = mkdtempSync(join(tmpdir(), "converge-watch-"))
const file = join(folder, "jobs.db")
const running: Array<Running> = []
afterEach(async () => {
  for (const { ended, process } of running.splice(0)) {
    process.kill("SIGKILL")
    await ended
  }
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const begin = (args: ReadonlyArray<string>, options?: Parameters<typeof start>[1]): Running => {
  const command = start(args, { folder, timeoutMs: 110_000, ...options })
  running.push(command)
  return command
}

/** A server of the job that asks, and its port. */
const serve = async (port: string, ...args: ReadonlyArray<string>) => {
  const server = begin(["serve", module("asking"), module("count"), "--port", port, "--drain", "0ms", ...args])
  let said = ""
  server.process.stderr?.on("data", (chunk: string) => (said += chunk))
  await server.says(/listening on http\S+,/)
  const url = /http:\/\/[\w.:]+\d/.exec(said)?.[0] ?? ""
  return { server, url, port: new URL(url).port }
}

const stop = async ({ ended, process }: Running): Promise<void> => {
  process.kill("SIGTERM")
  expect((await ended).code).toBe(0)
}

describe("a job that another process runs", () => {
  it("is started at a server, followed over its restart there and in its file, and ends for all of them alike", async () => {
    const first = await serve("0", "--store", file)
    const { port, url } = first
    const run = begin(["run", "-p", "asking", "--id", "w", "--server", url])
    await run.says(
      /the job w awaits a decision about "go": May it go\?\n {2}to decide: converge approve w go --server http/
    )
    const watches = [
      begin(["watch", "w", "--server", url]),
      begin(["watch", "w", "--store", file]),
      begin(["watch", "w"], { environment: { CONVERGE_SERVER: url } })
    ]
    for (const watch of watches) {
      await watch.says(/asking: cycle 1, 1 task/)
      await watch.says(/awaits a decision about "go": May it go\?/)
    }
    await stop(first.server)
    for (const one of [run, watches[0]!]) await one.says(/the server \S+ does not answer: trying again for 38\.2 s\n/)
    const again = await serve(port, "--store", file)
    for (const one of [run, watches[0]!]) await one.says(/the server \S+ answers again\n/)
    await until(async () => jsonOf(await converge(["show", "w", "--json", "--server", url]))["state"] === "awaiting")
    const approved = await converge(["approve", "w", "go", "--by", "Ada", "--server", url])
    expect(approved).toMatchObject({ code: 0, stderr: "" })
    const ends = await Promise.all([run, ...watches].map(({ ended }) => ended))
    const [one] = ends
    expect(one!.stdout).toMatch(/^✔ asking converged [^]*job w/)
    for (const { code, stderr, stdout } of ends) {
      expect([code, stdout], stderr).toEqual([0, one!.stdout])
      expect(stderr.match(/awaits a decision/g)).toHaveLength(1)
    }
    // A job that has ended is printed at once, and there is no progress.
    const late = await converge(["watch", "w", "--store", file])
    expect(late).toEqual({ code: 0, stderr: "", stdout: one!.stdout })
    await stop(again.server)
  })

  it("is left alone by Ctrl-C", async () => {
    const { server, url } = await serve("0", "--store", join(folder, "left.db"))
    const run = begin(["run", "-p", "asking", "--id", "l", "--server", url])
    await run.says(/awaits a decision/)
    const watches = [
      begin(["watch", "l", "--server", url, "--quiet"]),
      begin(["watch", "l", "--store", join(folder, "left.db")])
    ]
    for (const watch of watches) await watch.says(/awaits a decision/)
    for (const { ended, process } of [run, ...watches]) {
      process.kill("SIGINT")
      const { code, stderr, stdout } = await ended
      expect([code, stdout]).toEqual([130, ""])
      expect(stderr).toMatch(/the job l (goes on at the server|is left alone): watch follows it, cancel ends it\n$/)
    }
    expect(jsonOf(await converge(["show", "l", "--json", "--server", url]))).toMatchObject({ state: "awaiting" })
    const cancelled = await converge(["cancel", "l", "--server", url])
    expect(cancelled).toMatchObject({ code: 0, stdout: "■ l was cancelled\n" })
    expect(await converge(["watch", "l", "--server", url])).toMatchObject({ code: 4 })
    await stop(server)
  })

  it("is told of where nobody runs it, and goes on by resume", async () => {
    const kept = join(folder, "kept.db")
    const { port, server, url } = await serve("0", "--store", kept)
    const run = begin(["run", "-p", "asking", "--id", "k", "--server", url, "--quiet"])
    await run.says(/awaits a decision/)
    run.process.kill("SIGINT")
    await run.ended
    expect(jsonOf(await converge(["pause", "k", "--json", "--server", url]))).toMatchObject({ state: "paused" })
    const resumed = begin(["resume", "k", "--server", url])
    await resumed.says(/awaits a decision/)
    await stop(server)
    // Another server has the file, but not the program.
    const other = begin(["serve", module("one"), "--store", kept, "--port", port])
    await other.says(/listening on http\S+,/)
    const watched = begin(["watch", "k", "--server", url])
    await watched.says(/the job k is suspended: converge resume k --server \S+ goes on with it/)
    const inFile = begin(["watch", "k", "--store", kept])
    await inFile.says(/awaits a decision/)
  })
})

describe("a server that runs programs", () => {
  it("runs one by its name, once for an id, and prints what a run here prints", async () => {
    const { server, url } = await serve("0")
    const there = async (...args: ReadonlyArray<string>) =>
      converge(["run", "-p", "counting", "--quiet", "--server", url, ...args])
    const ended = await there("--id", "c", "--input", '{"upTo": 3}', "--json")
    const here = await converge([
      "run",
      module("count"),
      "-p",
      "counting",
      "--id",
      "c",
      "--input",
      '{"upTo": 3}',
      "--quiet",
      "--json"
    ])
    const apart = { usage: null }
    expect({ ...jsonOf(ended), ...apart }).toEqual({ ...jsonOf(here), ...apart })
    expect(await there("--id", "c", "--json")).toEqual(ended)
    expect((await there("--id", "c")).stdout).toMatch(/^✔ counting converged {2}4 cycles[^]*output\n {2}3\n$/)
    const other = await there("--id", "c", "--input", '{"upTo": 4}')
    expect([other.code, other.stdout]).toEqual([64, ""])
    expect(await there("--input", '{"upTo": "x"}')).toMatchObject({ code: 64, stdout: "" })
    const unnamed = await converge(["run", "--server", url])
    expect(unnamed.stderr).toMatch(/the server has 8 programs: choose one with --program\n\n {4}asking +\(asks\)/)
    const unknown = await converge(["run", "-p", "none", "--server", url])
    expect([unknown.code, unknown.stderr]).toEqual([64, expect.stringContaining('the server has no program "none"')])
    const failed = await converge(["run", "-p", "failing", "--quiet", "--server", url])
    expect([failed.code, failed.stderr]).toEqual([3, ""])
    expect(failed.stdout).toMatch(/^✖ failing failed[^]*AgentFailed: [^]*"part": "axle"/)
    await stop(server)
  })

  it("forks a job, and the command follows the new one", async () => {
    const { server, url } = await serve("0", "--store", join(folder, "forked.db"))
    await converge(["run", "-p", "counting", "--id", "c", "--quiet", "--server", url])
    const fork = ["fork", "c", "--at", "2", "--fact", 'Number={"n": 100}', "--id", "d", "--server", url]
    const forked = await converge([...fork, "--json", "--quiet"])
    expect([forked.code, forked.stderr]).toEqual([0, ""])
    expect(jsonOf(forked)).toMatchObject({ jobId: "d", status: "converged", output: 6 })
    const diff = await converge(["diff", "c", "d", "--server", url])
    expect(diff.stdout).toMatch(/^c, cycle \d → d, cycle \d {2}1 added, 0 revised, 0 removed\n\+ Number\/n\/100/)
    await stop(server)
  })
})
