/**
 * A tiny run of every benchmark, so that none rots: it runs, computes what it should, and gives its figures. Nothing here
 * depends on how long anything took. The peers need not be installed; who needs one that is missing is left out, and the
 * run says so. `npm run bench:check` runs it; `npm test` does not, since it takes a fifth of its time.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { cases } from "./framework/cases.ts"
import { compare } from "./framework/compare.ts"
import { checkTypes } from "./framework/typeCheck.ts"
import { programText, variants } from "./support/typesProgram.ts"
import { type Finished, node, projectRoot } from "../support/node.ts"

interface Outcome {
  readonly name: string
  readonly contenders: ReadonlyArray<{
    readonly name: string
    readonly missing: string | null
    readonly hash: string | null
  }>
  readonly figures: ReadonlyArray<{ readonly name: string; readonly value: number | null }>
}

const names = readdirSync(join(projectRoot, "test/bench/benchmarks")).map((file) => file.replace(/\.ts$/, ""))

describe("a tiny run of all benchmarks", () => {
  const folder = mkdtempSync(join(tmpdir(), "converge-bench-"))
  let run: Finished
  let outcomes: ReadonlyArray<Outcome> = []

  beforeAll(async () => {
    expect(existsSync(join(projectRoot, "dist/src/index.js")), "dist is missing: npm run build").toBe(true)
    const file = join(folder, "outcomes.json")
    run = await node(["test/bench/main.ts", "--tiny", "--json", file])
    if (existsSync(file)) outcomes = JSON.parse(readFileSync(file, "utf8")) as ReadonlyArray<Outcome>
  }, 600_000)

  afterAll(() => rmSync(folder, { recursive: true }))

  it("ends well", () => {
    expect(run).toMatchObject({ code: 0, stderr: "" })
  })

  it.each(names)("%s gives what it should, by every contender that is there", (name) => {
    const outcome = outcomes.find((candidate) => candidate.name === name)
    const present = outcome?.contenders.filter(({ missing }) => missing === null) ?? []
    expect(present.length).toBeGreaterThan(0)
    expect(present.filter(({ hash }) => !/^[0-9a-f]{64}$/.test(hash ?? ""))).toEqual([])
  })

  it.each(names)("%s gives all of its figures, but those that need a peer that is missing", (name) => {
    const outcome = outcomes.find((candidate) => candidate.name === name)
    const isComplete = outcome?.contenders.every(({ missing }) => missing === null) ?? false
    const given = outcome?.figures.filter(({ value }) => value !== null) ?? []
    expect(outcome?.figures.length).toBeGreaterThan(0)
    if (isComplete) expect(given).toEqual(outcome?.figures)
    else expect(outcome?.contenders.some(({ missing }) => missing !== null)).toBe(true)
  })
})

describe("the comparison of two packages", () => {
  it.each(cases.filter(({ name }) => ["cpu-64", "import"].includes(name)))("measures $name on both", async (it) => {
    const packages = { old: projectRoot, new: projectRoot }
    const { ratio, rounds } = await compare(it, packages, { isTiny: true, rounds: 1, onRound: () => undefined })
    expect(rounds.map((round) => [round.old.length, round.new.length])).toEqual([[1, 1]])
    expect(ratio.median).toBeGreaterThan(0)
  })
})

describe("the type check of a generated program", () => {
  it.each(variants)("is measured: %s", (variant) => {
    const { instantiations, ms } = checkTypes(projectRoot, programText(4, variant))
    expect(ms).toBeGreaterThan(0)
    expect(instantiations).toBeGreaterThan(0)
  })

  it("is refused for a program that does not compile", () => {
    expect(() => checkTypes(projectRoot, "export const n: number = true")).toThrow(/does not compile[^]*TS2322/)
  })
})
