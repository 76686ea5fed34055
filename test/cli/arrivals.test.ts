/** `converge verify --arrivals`: a program whose facts depend on when its seeds arrive does not pass. */
import { describe, expect, it, vi } from "vitest"
import { converge, jsonOf, module } from "../support/cli/converge.ts"

vi.setConfig({ testTimeout: 60_000 })

const verify = (program: string, ...more: ReadonlyArray<string>) =>
  converge(["verify", module("arrivals"), "-p", program, "-w", "0", "--shuffles", "0", "-q", "--arrivals", ...more])

describe.concurrent("converge verify --arrivals", () => {
  it("passes a program that gives the same facts in every order", async () => {
    const ended = await verify("single")
    expect(ended).toMatchObject({ code: 0, stderr: "" })
    expect(ended.stdout).toMatch(/^✔ single is confluent {2}\d+ other orders of the seeds gave the same 6 facts$/m)
  })

  it("names what is missing and who adds it, and exits with 3", async () => {
    const ended = await verify("late")
    expect(ended).toMatchObject({ code: 3, stderr: "" })
    expect(ended.stdout).toMatch(/^✔ late is deterministic/)
    expect(ended.stdout).toContain("✖ late is not confluent\n")
    expect(ended.stdout).toMatch(
      /Pair\/1-3, which "pair" adds, is missing\. The agent is half a join: .* looks at other facts of Item/
    )
    const json = jsonOf(await verify("late", "--json"))
    expect(json).toMatchObject({
      isDeterministic: true,
      arrivals: {
        isConfluent: false,
        difference: { what: "missing", fact: { kind: "Pair", id: "1-3" }, agent: "pair" }
      }
    })
  })
})
