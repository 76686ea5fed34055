/**
 * One of the two processes of a comparison: it measures one contender of a benchmark, on the package that its environment
 * names, once for each message. Between messages it does nothing. Input: which contender, and which of its metrics.
 */
import { checkHash, collectYoung, expectedHashes, warmupMs } from "../framework/measure.ts"
import { raiseSession } from "../framework/priority.ts"
import { load } from "../framework/registry.ts"

export interface SideInput {
  readonly benchmark: string
  readonly contender: string
  readonly metric: string
  readonly isTiny: boolean
}

export type SideQuestion = "warm up" | "measure"

export interface SideAnswer {
  readonly value: number
  /** Milliseconds of CPU time that this process spent meanwhile, on all of its threads. */
  readonly cpuMs: number
  /** The hash of the result. */
  readonly hash: string
}

const { benchmark: benchmarkName, contender: contenderName, isTiny, metric } = JSON.parse(process.argv[2]!) as SideInput
if (!isTiny) raiseSession()
const benchmark = await load(benchmarkName)
const contender = benchmark.contenders.find(({ name }) => name === contenderName)
if (contender === undefined) throw new Error(`${benchmarkName} has no contender ${contenderName}`)
const hashes = expectedHashes(benchmark, isTiny)
const ready = await contender.start(isTiny)

const measure = async (): Promise<SideAnswer> => {
  collectYoung()
  const before = process.cpuUsage()
  const measured = await ready.round()
  const { system, user } = process.cpuUsage(before)
  const value = measured.values[metric]
  if (value === undefined) throw new Error(`${contenderName} of ${benchmarkName} does not measure ${metric}`)
  return { value, cpuMs: (user + system) / 1_000, hash: checkHash(benchmark, contender, measured, hashes) }
}

/** As long as in a run of the benchmark. */
const warmUp = async (): Promise<SideAnswer> => {
  const rounds = isTiny ? 1 : benchmark.warmups
  const until = performance.now() + (isTiny ? 0 : (benchmark.warmupMs ?? warmupMs))
  let answer = await measure()
  for (let round = 1; round < rounds || performance.now() < until; round++) answer = await measure()
  return answer
}

process.on("message", (question: SideQuestion) => {
  void (question === "warm up" ? warmUp() : measure()).then((answer) => process.send!(answer))
})
process.once("disconnect", () => void Promise.resolve(ready.stop?.()).then(() => process.exit()))
