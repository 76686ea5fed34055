/**
 * `npm run soak`: thousands of hostile jobs on one pool, for some minutes (--minutes, 3 by default).
 *
 * Agents throw, return values that are no effects, loop until their deadline, exit their thread, run out of memory; jobs are
 * cancelled at any moment. Exit code 1 if one of these does not hold:
 *
 * 1. a job of the same input ends with the same hash every time, and where nothing misbehaves, with the hash that it has
 *    without threads;
 * 2. every job that was started ends, and the engine knows of none afterwards;
 * 3. a failed task is a diagnostic with the cause that its agent earned, and costs no other task anything;
 * 4. memory does not grow: the peak of resident memory in the last third of the time is at most --grow MB above that of
 *    the second third.
 *
 * With `--kills 1000` it does something else: it kills processes that run durable jobs, that many times, at moments that the
 * seed decides (--parallel of them at a time, 3 by default); see ../support/crash/soak.ts.
 *
 * Boundary: a script. Its output is for a reader; its verdict is the exit code.
 */
import * as Effect from "effect/Effect"
import { parseArgs } from "node:util"
import { Engine, WorkerPool } from "./converge.ts"
import { deeds, soak, type SoakInput } from "./programs/soak.ts"
import { startEngine } from "./support/engine.ts"

const { values: options } = parseArgs({
  options: {
    minutes: { type: "string", default: "3" },
    seed: { type: "string", default: "1" },
    grow: { type: "string", default: "100" },
    kills: { type: "string" },
    parallel: { type: "string", default: "3" }
  }
})
if (options.kills !== undefined) {
  const { soakKills } = await import("../support/crash/soak.ts")
  const numbers = { kills: Number(options.kills), seed: Number(options.seed), parallel: Number(options.parallel) }
  process.exit((await soakKills(numbers)).length === 0 ? 0 : 1)
}
const durationMs = Number(options.minutes) * 60_000
const growMb = Number(options.grow)

/** A small generator with a seed, so that a failure can be repeated. */
let state = Number(options.seed) >>> 0
const random = (below: number): number => {
  state = (state + 0x6d2b79f5) >>> 0
  let t = state
  t = Math.imul(t ^ (t >>> 15), t | 1)
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
  return ((t ^ (t >>> 14)) >>> 0) % below
}

const violations: Array<string> = []
const violate = (text: string): void => {
  violations.push(text)
  console.error(`violation: ${text}`)
}

/** The tag of each misdeed in the diagnostics. */
const tags: Readonly<Record<(typeof deeds)[number], string | undefined>> = {
  work: undefined,
  throw: "AgentPanicked",
  invalid: "InvalidEffect",
  timeout: "AgentTimedOut",
  exit: "WorkerCrashed",
  memory: "AgentOutOfMemory"
}

/** Inputs to draw from: three of four are quiet, the others have one misdeed each, or two panics. */
const inputs: ReadonlyArray<SoakInput> = Array.from({ length: 60 }, (_, index) => {
  const size = 4 + random(12)
  const deed = index < 45 ? "work" : deeds[1 + (index % (deeds.length - 1))]!
  const places = new Set(deed === "work" ? [] : [random(size), ...(deed === "throw" ? [random(size)] : [])])
  return { items: Array.from({ length: size }, (_, n) => (places.has(n) ? deed : "work")), left: random(4) }
})

const isQuiet = ({ items }: SoakInput): boolean => items.every((deed) => deed === "work")

const hashes = new Map<SoakInput, string>()
const counts = { jobs: 0, cancelled: 0, misdeeds: 0 }
const rssMb = (): number => process.memoryUsage.rss() / 1e6

const calm = startEngine()
for (const input of inputs.filter(isQuiet)) hashes.set(input, (await calm.run(Engine.run(soak, input))).hash)
await calm.stop()

const engine = startEngine(WorkerPool.layer({ size: 2, heapLimitMb: 96, execArgv: [] }))

/** Runs a job to its end, or cancels it on the way, and checks how it ended. */
const runOne = Effect.gen(function* () {
  const input = inputs[random(inputs.length)]!
  const cancelAfterMs = random(6) === 0 ? random(60) : undefined
  const job = yield* Engine.start(soak, input)
  if (cancelAfterMs !== undefined) {
    yield* Effect.sleep(cancelAfterMs)
    yield* job.cancel
  }
  const end = yield* Effect.match(job.result, {
    onSuccess: (result) => ({ result, tag: "none" }),
    onFailure: (error) => ({ result: error.partial, tag: error._tag })
  })
  counts.jobs++
  if (cancelAfterMs !== undefined && end.tag === "JobCancelled") {
    counts.cancelled++
    return
  }
  if (end.tag !== "none") return violate(`a job ended with ${end.tag}: ${JSON.stringify(input)}`)
  const known = hashes.get(input)
  if (known === undefined) hashes.set(input, end.result.hash)
  else if (known !== end.result.hash) violate(`another hash for the same job: ${JSON.stringify(input)}`)
  const expected = input.items.flatMap((deed) => tags[deed] ?? []).sort()
  const found = end.result.diagnostics.map(({ cause }) => cause._tag).sort()
  counts.misdeeds += expected.length
  if (JSON.stringify(expected) !== JSON.stringify(found)) {
    violate(`diagnostics ${JSON.stringify(found)} instead of ${JSON.stringify(expected)}`)
  }
})

const began = performance.now()
const isOver = (): boolean => performance.now() - began > durationMs || violations.length > 20
/** The peak of resident memory in each third of the time. */
const peaksMb = [0, 0, 0]

const watch = setInterval(() => {
  const third = Math.min(2, Math.floor(((performance.now() - began) / durationMs) * 3))
  peaksMb[third] = Math.max(peaksMb[third]!, rssMb())
}, 250)

const report = setInterval(() => {
  const seconds = Math.round((performance.now() - began) / 1_000)
  console.log(
    `${seconds} s: ${counts.jobs} jobs, ${counts.cancelled} cancelled, ${counts.misdeeds} misdeeds, ${rssMb().toFixed(0)} MB`
  )
}, 10_000)

/** Jobs that run at a time. */
const lanes = 8

const lane = Effect.whileLoop({ while: () => !isOver(), body: () => runOne, step: () => undefined })
// A job that never ends is a job lost: nothing in it may take longer than a few deadlines.
const graceMs = 60_000
await engine.run(
  Effect.all(
    Array.from({ length: lanes }, () => lane),
    { concurrency: "unbounded", discard: true }
  ).pipe(
    Effect.timeout(durationMs + graceMs),
    Effect.catch((error) => Effect.sync(() => violate(`the jobs did not come to their end: ${error._tag}`)))
  )
)
clearInterval(report)
clearInterval(watch)

const live = await engine.run(Effect.flatMap(Engine.Engine, (it) => it.live))
if (live.length > 0) violate(`the engine still knows of ${live.length} jobs`)
const grownMb = peaksMb[2]! - peaksMb[1]!
if (grownMb > growMb) violate(`the peak of resident memory grew by ${grownMb.toFixed(0)} MB in the last third`)
const stopped = await Promise.race([
  engine.stop().then(() => true),
  new Promise<boolean>((resolve) => setTimeout(() => resolve(false), 20_000).unref())
])
if (!stopped) violate("the engine did not let go of its threads within 20 s")

console.log(
  `${counts.jobs} jobs, ${counts.cancelled} cancelled, ${counts.misdeeds} misdeeds, peaks of ${peaksMb.map((mb) => mb.toFixed(0)).join(", ")} MB: ` +
    (violations.length === 0 ? "everything held" : `${violations.length} violations`)
)
process.exit(violations.length === 0 ? 0 : 1)
