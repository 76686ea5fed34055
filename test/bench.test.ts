/**
 * The benchmarks' own rules: what is recorded and shown, and how figures are made of measurements. A tiny run of each benchmark
 * is in test/bench/tiny.test.ts.
 */
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { cases } from "./bench/framework/cases.ts"
import { compare } from "./bench/framework/compare.ts"
import type { Benchmark } from "./bench/framework/definition.ts"
import { measure } from "./bench/framework/measure.ts"
import { load } from "./bench/framework/registry.ts"
import { medianInterval } from "./bench/framework/statistics.ts"
import { audited, known } from "./bench/audited/packages.ts"
import { figureSpread, metricSpread } from "./bench/framework/table.ts"
import { node, projectRoot } from "./support/node.ts"

const names = readdirSync(join(projectRoot, "test/bench/benchmarks")).map((file) => file.replace(/\.ts$/, ""))

describe("the page of the benchmarks", () => {
  it("says what the record says", async () => {
    expect(await node(["test/bench/page.ts", "--check"])).toMatchObject({ code: 0, stderr: "" })
  })
})

describe("a quantile", () => {
  const aSpread = /\d – \d/
  /** A ratio of two quantiles, or the difference, is of a round: it is a figure like any other. */
  const isOfRounds = (line: string): boolean => / \/ (?:ours|node)|, less that of /.test(line)
  const pages = ["README.md", "docs/benchmarks.md"].map((page): readonly [string, string] => [
    page,
    readFileSync(join(projectRoot, page), "utf8")
  ])

  it.each(pages)("has no spread in %s", (_, text) => {
    const shown = text.split("\n").filter((line) => /^[|-] .*(?:\bp\d\d\b|percentile)/.test(line))
    expect(shown.length).toBeGreaterThan(0)
    expect(shown.filter((line) => aSpread.test(line) && !isOfRounds(line))).toEqual([])
  })

  it("has no spread where one was recorded with it", () => {
    const figure = { name: "f", title: "", unit: "ms", better: "lower" } as const
    const quantile = { contender: "", metric: "", quantile: 0.99 }
    expect(figureSpread(figure, [1, 2])).toBe("1.00 – 2.00")
    expect(figureSpread({ ...figure, isQuantile: true }, [1, 2])).toBe("")
    expect(figureSpread({ ...figure, ofSamples: quantile }, [1, 2])).toBe("")
    expect(metricSpread({ title: "", unit: "ms", isQuantile: true }, { median: 1, p10: 1, p90: 2 })).toBe("")
  })
})

describe("the command", () => {
  it("refuses what it does not know", async () => {
    expect(await node(["test/bench/main.ts", "no-such-benchmark"])).toMatchObject({ code: 64 })
    expect(await node(["test/bench/main.ts", "--rounds", "many"])).toMatchObject({ code: 64 })
  })

  it("lists all benchmarks", async () => {
    const { stdout } = await node(["test/bench/main.ts", "--list"])
    expect(
      stdout
        .trim()
        .split("\n")
        .map((line) => line.split(" ")[0])
    ).toEqual(names.toSorted())
  })
})

describe("the comparison of the audit with its peers", () => {
  it("covers at least 60 packages, and ten of them by knip and by ESLint", () => {
    const packages = new Set(audited.map(({ entry }) => /^(@[^/]+\/)?[^/]+/.exec(entry)?.[0]))
    expect(packages.size).toBeGreaterThanOrEqual(60)
    for (const peer of ["knip", "eslint"] as const) {
      expect(audited.filter(({ also }) => also?.includes(peer)).length).toBeGreaterThanOrEqual(10)
    }
    expect(known.filter(({ entry }) => !audited.some((one) => one.entry === entry))).toEqual([])
  })

  it("refuses what it does not know", async () => {
    expect(await node(["test/bench/audited/main.ts", "no-such-package"])).toMatchObject({ code: 64 })
  })
})

describe("the comparison of two packages", () => {
  const against = (...args: ReadonlyArray<string>) => node(["test/bench/against.ts", ...args])

  it("refuses what it does not know", async () => {
    expect(await against()).toMatchObject({ code: 64 })
    expect(await against("no-such-commit")).toMatchObject({ code: 64 })
    expect(await against("HEAD", "--case", "no-such-case")).toMatchObject({ code: 64 })
    expect(await against("HEAD", "--rounds", "many")).toMatchObject({ code: 64 })
  })

  it.each(cases)("$name is a metric of a contender that needs no peer", async ({ benchmark, contender, metric }) => {
    const { contenders, metrics } = await load(benchmark)
    const found = contenders.find(({ name }) => name === contender)
    expect(found).toBeDefined()
    expect(found?.peer).toBeUndefined()
    expect(Object.keys(metrics)).toContain(metric)
  })

  // With threads, and with other processes; the workloads of the others are run as benchmarks above.
  it("fails when a package is not there", async () => {
    const packages = { old: projectRoot, new: join(projectRoot, "no-such-folder") }
    const comparing = compare(cases[0]!, packages, { isTiny: true, rounds: 1, onRound: () => undefined })
    await expect(comparing).rejects.toThrow("side.ts ended with exit code 1")
  })
})

describe("the interval of a median", () => {
  const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1)

  it("needs six numbers", () => {
    expect(medianInterval([])).toBeNull()
    expect(medianInterval(upTo(5))).toBeNull()
    expect(medianInterval(upTo(6))).toEqual([1, 6])
  })

  it("has the places of the sign test, whatever the order of the numbers", () => {
    expect(medianInterval(upTo(9).toReversed())).toEqual([2, 8])
    expect(medianInterval(upTo(20))).toEqual([6, 15])
  })
})

describe("a measurement", () => {
  /** Two contenders whose numbers and results are given, round by round. */
  const benchmark = (left: ReadonlyArray<number>, right: ReadonlyArray<number>, results: ReadonlyArray<unknown>) => {
    const order: Array<string> = []
    const contender = (name: string, numbers: ReadonlyArray<number>, result: unknown) => ({
      name,
      about: "",
      start: async () => {
        let round = 0
        return {
          round: async () => {
            order.push(name)
            const n = numbers[round++]!
            return { values: { n }, samples: { n: [n] }, result }
          }
        }
      }
    })
    const defined: Benchmark = {
      name: "example",
      title: "",
      measures: "",
      notMeasured: "",
      rounds: 3,
      warmups: 1,
      warmupMs: 0,
      metrics: {},
      contenders: [contender("left", left, results[0]), contender("right", right, results[1])],
      expected: () => ({ "": 42 }),
      figures: [
        {
          name: "r",
          title: "",
          unit: "ratio",
          better: "lower",
          bar: 2,
          ofRound: (at) => at("left", "n") / at("right", "n")
        },
        {
          name: "q",
          title: "",
          unit: "ms",
          better: "lower",
          ofSamples: { contender: "left", metric: "n", quantile: 0.99 }
        }
      ]
    }
    const run = measure(defined, { isTiny: false, rounds: undefined, onRound: () => undefined })
    return { order, run }
  }

  it("pairs rounds, and does not count those that warm up", async () => {
    const { order, run } = benchmark([900, 10, 100, 30], [1, 10, 20, 10], [42, 42])
    const { figures } = await run
    expect(figures[0]).toMatchObject({ value: 3, spread: [1.4, 4.6], met: false })
    expect(figures[1]).toMatchObject({ value: 98.6, spread: null })
    expect(order.slice(0, 4)).toEqual(["left", "right", "right", "left"])
  })

  it("fails when a contender does not compute what plain code does", async () => {
    await expect(benchmark([1, 1, 1, 1], [1, 1, 1, 1], [42, 43]).run).rejects.toThrow("right computed something else")
  })
})
