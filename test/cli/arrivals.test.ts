/** `converge verify --arrivals`: a program whose facts depend on when its seeds arrive does not pass. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, describe, expect, it, vi } from "vitest"
import { jsonOf, module } from "../support/cli/converge.ts"
import { converge } from "../support/cli/inProcess.ts"

vi.setConfig({ testTimeout: 60_000 })

const folder = mkdtempSync(join(tmpdir(), "converge-arrivals-"))
afterAll(() => rmSync(folder, { recursive: true }))

let files = 0
/** A file with a text. */
const fileWith = (text: string): string => {
  const path = join(folder, `${++files}.json`)
  writeFileSync(path, text)
  return path
}

const verify = (program: string, ...more: ReadonlyArray<string>) =>
  converge(["verify", module("arrivals"), "-p", program, "-w", "0", "--shuffles", "0", "-q", "--arrivals", ...more])

describe("converge verify --arrivals", () => {
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

  it("lets the facts of --signals arrive beside the seeds", async () => {
    const items = (...ns: ReadonlyArray<number>) => JSON.stringify(ns.map((n) => ({ kind: "Item", value: { n } })))
    const two = fileWith(items(7, 8))
    const ended = await verify("single", "--signals", two)
    expect(ended).toMatchObject({ code: 0, stderr: "" })
    expect(ended.stdout).toMatch(
      /single is confluent {2}\d+ other orders of the seeds and signals gave the same 10 facts$/m
    )
    const late = jsonOf(await verify("latest", "--json", "--signals", two))
    expect(late).toMatchObject({
      arrivals: {
        difference: { order: { name: "all signals last" }, fact: { kind: "Pair", id: "1-7" }, agent: "pair" }
      }
    })
  })

  it("refuses signals that it cannot use, and says where the fault is", async () => {
    const refused = async (text: string, ...more: ReadonlyArray<string>) => {
      const ended = await verify("single", "--signals", fileWith(text), ...more)
      expect(ended).toMatchObject({ code: 64, stdout: "" })
      return ended.stderr
    }
    expect(await refused("{")).toContain("is not JSON")
    expect(await refused('{"facts":[]}')).toContain('must hold an array of {"kind": ..., "value": ...}')
    expect(await refused('[{"kind":"Item","value":{"n":1}},{"kind":"Item"}]')).toMatch(
      /--signals: item 2 of .* must be/
    )
    expect(await refused('[{"kind":"Item","value":{"n":"1"}}]')).toContain(
      'signals[0]: facts[0] (Item): Expected number at ["n"]'
    )
    expect(await refused('[{"kind":"Pair","value":{"low":1,"high":1}}]')).toMatch(
      /takes no signal of the kind "Pair".*\n\s+Item/
    )
    expect(await refused('[{"kind":"Itme","value":{"n":1}}]')).toMatch(/has no kind "Itme".*\n\s+Item/)
    const missing = await verify("single", "--signals", join(folder, "missing.json"))
    expect(missing).toMatchObject({ code: 64 })
    expect(missing.stderr).toContain("--signals: cannot read")
    const alone = await converge(["verify", module("arrivals"), "-p", "single", "--signals", "x.json"])
    expect(alone).toMatchObject({ code: 64 })
    expect(alone.stderr).toContain("--signals needs --arrivals and a module")
  })
})
