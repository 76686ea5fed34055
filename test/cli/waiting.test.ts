/** `converge verify` of programs that start child jobs, that wait for decisions, and whose runs do not converge. */
import { describe, expect, it, vi } from "vitest"
import { converge, jsonOf, module } from "../support/cli/converge.ts"

vi.setConfig({ testTimeout: 60_000 })

const verify = (program: string, ...more: ReadonlyArray<string>) =>
  converge(["verify", module("waiting"), "-p", program, "-w", "0", "--shuffles", "2", "-q", "--arrivals", ...more])

describe.concurrent("converge verify", () => {
  it("starts the child jobs of a module's programs", async () => {
    const ended = await verify("parent")
    expect(ended).toMatchObject({ code: 0, stderr: "" })
    expect(ended.stdout).toMatch(/^✔ parent is deterministic {2}3 runs gave/)
    expect(ended.stdout).toMatch(/^✔ parent is confluent/m)
    expect(ended.stdout).toContain("converged")
  })

  it("ends a run where its job waits for a decision, and says which", async () => {
    const ended = await verify("asking")
    expect(ended).toMatchObject({ code: 0, stderr: "" })
    expect(ended.stdout.match(/The job waits for the approval "go"\. It was compared as it stood there/g)).toHaveLength(
      2
    )
    expect(ended.stdout).toMatch(/^✔ asking is deterministic/)
    expect(ended.stdout).toMatch(/^✔ asking is confluent/m)
    const waitsFor = ['the approval "go"']
    const run = { status: "awaiting", waitsFor, isSame: true, facts: 4 }
    expect(jsonOf(await verify("asking", "--json"))).toMatchObject({
      isDeterministic: true,
      runs: [run, run, run],
      arrivals: { isConfluent: true, waitsFor }
    })
  })

  it("ends a run where the child of its job waits", async () => {
    const ended = await verify("asking-below", "--json")
    expect(ended).toMatchObject({ code: 0, stderr: "" })
    const waitsFor = ['the approval "go" of the child job 1/starts//0']
    expect(jsonOf(ended)).toMatchObject({ runs: [{ waitsFor }, { waitsFor }, { waitsFor }] })
  })

  it("does not pass a program whose runs all fail, and says how they ended", async () => {
    const ended = await verify("lost")
    expect(ended.code).toBe(3)
    expect(ended.stdout).not.toContain("✔ lost")
    expect(ended.stdout).toMatch(/^✖ lost did not converge: 3 runs ended alike, with IntentFailed\n/)
    expect(ended.stdout).toContain('the engine was given no program that is called "stranger"')
    const run = { status: "failed", error: "IntentFailed" }
    expect(jsonOf(await verify("lost", "--json"))).toMatchObject({ runs: [run, run, run] })
  })
})
