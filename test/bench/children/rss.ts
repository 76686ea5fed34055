/** A process that runs jobs one after the other, and prints the growth of its memory. Input: the jobs, and their facts. */
import { getHeapSpaceStatistics } from "node:v8"
import { Engine } from "../converge.ts"
import { many } from "../programs/many.ts"
import { poolOf, startEngine } from "../support/engine.ts"

export interface RssInput {
  readonly jobs: number
  /** Jobs after which memory is read for the first time. */
  readonly first: number
  readonly facts: number
  /** Jobs between two collections that are asked for. Default: none are, but where memory is read. */
  readonly collectEvery?: number
}

export interface RssResult {
  readonly grownMb: number
  readonly peakGrownMb: number
  readonly heapGrownMb: number
  /** Memory that V8 holds for its young generation, used or not. */
  readonly youngMb: number
  readonly results: ReadonlyArray<unknown>
}

const { collectEvery = Infinity, facts, first, jobs } = JSON.parse(process.argv[2]!) as RssInput

const memory = () => {
  for (let i = 0; i < 4; i++) globalThis.gc!()
  const young = getHeapSpaceStatistics().find(({ space_name: name }) => name === "new_space")!.space_size
  return { ...process.memoryUsage(), young }
}

const engine = startEngine(poolOf(2))
const results = new Set<string>()
let before = memory()
let peakAtFirst = 0
let peak = 0
for (let job = 1; job <= jobs; job++) {
  const { output } = await engine.run(Engine.run(many, { facts }))
  results.add(JSON.stringify(output))
  peak = Math.max(peak, process.memoryUsage.rss())
  if (job % collectEvery === 0) globalThis.gc!()
  if (job === first) {
    peakAtFirst = peak
    before = memory()
  }
}
const after = memory()

const result: RssResult = {
  grownMb: (after.rss - before.rss) / 1e6,
  peakGrownMb: (peak - peakAtFirst) / 1e6,
  heapGrownMb: (after.heapUsed - before.heapUsed) / 1e6,
  youngMb: (after.young - before.young) / 1e6,
  results: [...results].map((text) => JSON.parse(text) as unknown)
}
process.stdout.write(JSON.stringify(result), () => process.exit())
