/** How `converge run` ends when something comes in between: signals, stray errors, a reader that goes away. */
import { closeSync, existsSync, openSync } from "node:fs"
import { describe, expect, it, vi } from "vitest"
import { converge, jsonOf, module, start } from "../support/cli/converge.ts"

// Each test starts a process that is busy for half a second.
vi.setConfig({ maxConcurrency: 3, testTimeout: 60_000 })

const endless = (program: string, ...args: ReadonlyArray<string>) => ["run", module("endless"), "-p", program, ...args]

describe.concurrent("signals", () => {
  it.each(["SIGINT", "SIGTERM"] as const)("%s cancels the job and prints what it has: exit code 4", async (signal) => {
    const running = start(endless("waiting", "--json"))
    await running.says(/cycles? .*2, /)
    running.process.kill(signal)
    const ended = await running.ended
    expect(ended.code).toBe(4)
    expect(jsonOf(ended)).toMatchObject({ status: "cancelled", facts: { Step: 3 }, error: { _tag: "JobCancelled" } })
    expect(ended.stderr).toContain("converge: cancelling the job (again to end at once)\n")
  })

  it("the second Ctrl-C ends the process at once: exit code 130", async () => {
    const running = start(endless("clinging"))
    await running.says(/running/)
    running.process.kill("SIGINT")
    await running.says(/cancelling the job/)
    running.process.kill("SIGINT")
    expect(await running.ended).toMatchObject({ code: 130, stdout: "" })
  })

  it("the second one ends a process whose thread is inside a native call that does not end", async () => {
    const running = start(["run", module("held"), "--workers", "1"])
    await running.says(/inside/)
    running.process.kill("SIGTERM")
    await running.says(/cancelling the job/)
    running.process.kill("SIGTERM")
    expect(await running.ended).toMatchObject({ code: 143, stdout: "" })
  })

  it("one is enough for such a process: the result is printed, exit code 4", async () => {
    const running = start(["run", module("held"), "--workers", "1", "--json"])
    await running.says(/inside/)
    running.process.kill("SIGTERM")
    const ended = await running.ended
    expect(ended.code).toBe(4)
    expect(jsonOf(ended)).toMatchObject({ status: "cancelled", error: { _tag: "JobCancelled" } })
  })

  it("before there is a job, Ctrl-C ends the command: exit code 130", async () => {
    const running = start(["run", module("pending")])
    await running.says(/loading/)
    running.process.kill("SIGINT")
    expect(await running.ended).toEqual({ code: 130, stdout: "", stderr: "loading\n" })
  })
})

describe.concurrent("stray errors", () => {
  it.each([
    ["rejecting", "unhandled rejection: Error: nobody awaits me"],
    ["throwing", "uncaught exception: Error: nobody catches me"]
  ])(
    "%s: reported, a job that does not end is cancelled, its partial result printed, exit code 70",
    async (program, message) => {
      const ended = await converge(endless(program, "--json"))
      expect(ended.code).toBe(70)
      expect(jsonOf(ended)).toMatchObject({ status: "cancelled", facts: { Step: 3 } })
      expect(ended.stderr).toContain(`converge: ${message}\n    at `)
    }
  )

  it("a job that comes to its end is let end, its whole result printed, exit code 70", async () => {
    const ended = await converge(endless("recovering", "--json"))
    expect(ended.code).toBe(70)
    expect(jsonOf(ended)).toMatchObject({ status: "converged", facts: { Step: 3 }, error: null })
  })
})

describe("standard output", () => {
  it("closed by its reader is no error", async () => {
    const input = '{"upTo": 3000}'
    const running = start(["run", module("count"), "-p", "counting", "--facts", "--quiet", "--input", input])
    running.process.stdout?.once("data", () => running.process.stdout?.destroy())
    const { code, stderr } = await running.ended
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
  })

  it("that nobody reads from the beginning is no error either", async () => {
    const running = start(["run", module("count"), "-p", "failing", "--json", "--quiet"])
    running.process.stdout?.destroy()
    const { code, stderr } = await running.ended
    expect({ code, stderr }).toEqual({ code: 3, stderr: "" })
  })

  it.skipIf(!existsSync("/dev/full"))("that cannot be written is exit code 70", async () => {
    const full = openSync("/dev/full", "w")
    const { code, stderr } = await start(["machine"], { output: full }).ended
    closeSync(full)
    expect({ code, stderr }).toEqual({ code: 70, stderr: expect.stringContaining("cannot write to standard output: ") })
  })
})
