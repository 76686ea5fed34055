/**
 * Kills processes that run jobs over one file, one after the other, and looks at what they leave: after each kill, and when
 * the jobs have been brought to their end by a process that is not killed.
 *
 * Boundary: starts child.ts; what it finds wrong is a list of sentences, empty if all is well.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { type ChildProcess, spawn } from "node:child_process"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { fileURLToPath } from "node:url"
import { Engine, type Job, JobStore, WorkerPool } from "../../../src/index.ts"
import { sha256 } from "../../../src/values/sha256.ts"
import { comparable, type End, engineInline, runToEnd } from "../core/run.ts"
import { actingIn, answeredBy, answerTo, examineActs, measured } from "./acts.ts"
import { logTo, readLog } from "./log.ts"
import { comeTo, type Crash, type Orders, sqlPoints } from "./points.ts"
import { crashing, idOf, places, Told } from "./program.ts"

const entry = fileURLToPath(new URL("./child.ts", import.meta.url))
const preload = new URL("./inject.ts", import.meta.url).href

/** How a process is killed: by itself at a point, or by its parent some milliseconds after it began. */
export type Blow = Crash | { readonly afterMs: number }

/** The outcome of one process. */
export interface Blown {
  readonly blow: Blow
  /** Whether it was killed before it came to its end. */
  readonly isKilled: boolean
  /** Milliseconds from when it began to its end. */
  readonly ranMs: number
}

export interface Report {
  readonly blown: ReadonlyArray<Blown>
  readonly complaints: ReadonlyArray<string>
  /** How often an intent was performed again. */
  readonly actsAgain: number
}

export interface JobSet {
  /** A folder that is there, for this set alone. */
  readonly folder: string
  /** The folder of compiled code, with which a process starts in half the time. Processes may share it with any other. */
  readonly cache: string
  /** Asked for the next blow with what came of those before, until it gives none or the jobs have ended. */
  readonly next: (blown: ReadonlyArray<Blown>) => Blow | undefined
}

/** The longest that a process may take. */
const patienceMs = 60_000

export const fileOf = (folder: string): string => join(folder, "jobs.db")
const logOf = (folder: string): string => join(folder, "log.ndjson")

/** Starts a process and kills it. */
export const blowOnce = async (
  { cache, folder }: Pick<JobSet, "cache" | "folder">,
  blow: Blow,
  how: "asked" | "found",
  complain: (text: string) => void
): Promise<Blown> => {
  const log = logOf(folder)
  const orders: Orders | undefined = "point" in blow ? { ...blow, log } : undefined
  const preloads = "point" in blow && blow.point in sqlPoints ? ["--import", preload] : []
  const child = spawn(process.execPath, [...preloads, entry, fileOf(folder), log, how], {
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      ...process.env,
      NODE_OPTIONS: "",
      NODE_COMPILE_CACHE: cache,
      ...(orders === undefined ? {} : { CONVERGE_CRASH: JSON.stringify(orders) })
    }
  })
  let said = ""
  let began = performance.now()
  let timer: NodeJS.Timeout | undefined
  const kill = (): void => void child.kill("SIGKILL")
  const hear = (chunk: Buffer): void => {
    const isFirst = said === ""
    said += chunk.toString()
    if (!isFirst) return
    began = performance.now()
    if ("afterMs" in blow) timer = setTimeout(kill, blow.afterMs)
  }
  child.stdout.on("data", hear)
  child.stderr.on("data", (chunk: Buffer) => void (said += chunk.toString()))
  const lost = setTimeout(() => {
    complain(`did not come to its end: ${said}`)
    kill()
  }, patienceMs)
  const { code, signal } = await exitOf(child)
  clearTimeout(timer)
  clearTimeout(lost)
  const isKilled = signal === "SIGKILL"
  if (!isKilled && code !== 0) complain(`ended with ${code ?? signal}`)
  if (said !== "began\n") complain(`said: ${said}`)
  // Where the thread that writes dies, the others may say something yet.
  const hasDied = (): boolean => {
    const lines = readLog(log)
    return lines.slice(lines.findLastIndex(({ tag }) => tag === "Began")).some(({ tag }) => tag === "Dies")
  }
  if ("point" in blow && !hasDied()) complain("did not come to the point")
  return { blow, isKilled, ranMs: performance.now() - began }
}

const exitOf = (child: ChildProcess) =>
  new Promise<{ readonly code: number | null; readonly signal: string | null }>((resolve) =>
    child.on("close", (code, signal) => resolve({ code, signal }))
  )

/** A row that the file has, with whose it is. */
interface Found {
  readonly jobId: string
  readonly cycle: number
  readonly hash: string
  /** The keys of the intents that it answers. */
  readonly answers: ReadonlyArray<string>
}

/**
 * Opens a file so that closing it leaves its log to the next process. One that was killed while it made the file has left
 * something to be rolled back, which needs a connection that may.
 */
const openAsItIs = (filename: string): DatabaseSync => {
  const database = new DatabaseSync(filename, { readOnly: true })
  try {
    database.prepare("SELECT 1 FROM sqlite_schema").get()
    return database
  } catch (error) {
    database.close()
    if (error instanceof Error && "errcode" in error && error.errcode === readOnlyRollback) {
      return new DatabaseSync(filename)
    }
    throw error
  }
}

/** SQLITE_READONLY_ROLLBACK. */
const readOnlyRollback = 8 | (3 << 8)

/** The contents of the file, read without the store. */
export const read = (filename: string) => {
  const nothing = { jobs: new Map<string, string | null>(), rows: [], kept: [], broken: [] }
  if (!existsSync(filename)) return nothing
  const database = openAsItIs(filename)
  try {
    if (database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'converge_jobs'").get() === undefined) return nothing
    const broken: Array<string> = []
    const all = (sql: string) => database.prepare(sql).all()
    const health = all("PRAGMA integrity_check").map((row) => Object.values(row).join())
    if (health.join() !== "ok") broken.push(`the file is damaged: ${health.join()}`)
    const jobs = all("SELECT job_id, status FROM converge_jobs")
    const last = new Map<string, Omit<Found, "answers">>()
    for (const { genesis_hash: hash, job_id: jobId, text } of all(
      `SELECT job_id, genesis_hash, text FROM converge_jobs LEFT JOIN converge_texts ON job = id AND kind = 'genesis'`
    )) {
      if (sha256(String(text)) !== hash) broken.push(`the genesis of ${String(jobId)} is not what its hash covers`)
      last.set(String(jobId), { jobId: String(jobId), cycle: 0, hash: String(hash) })
    }
    const rows = all(
      "SELECT job_id, cycle, hash, text FROM converge_rows JOIN converge_jobs ON id = job ORDER BY job, cycle"
    ).map((row): Found => {
      const [jobId, text] = [String(row["job_id"]), String(row["text"])]
      const answers = answeredBy(jobId, text)
      const found = { jobId, cycle: Number(row["cycle"]), hash: String(row["hash"]), answers }
      const before = last.get(jobId)
      if (before?.cycle !== found.cycle - 1) broken.push(`${found.jobId} has no cycle before ${found.cycle}`)
      if (sha256(`${before?.hash}\n${text}`) !== found.hash) {
        broken.push(`the chain of ${found.jobId} is broken in cycle ${found.cycle}`)
      }
      last.set(found.jobId, found)
      return found
    })
    const kept = all("SELECT job_id, cycle, key FROM converge_kept JOIN converge_jobs ON job = converge_jobs.id").map(
      (row) => ({ jobId: String(row["job_id"]), cycle: Number(row["cycle"]), key: String(row["key"]) })
    )
    const statuses = jobs.map(
      (row) => [String(row["job_id"]), row["status"] === null ? null : String(row["status"])] as const
    )
    return { jobs: new Map(statuses), rows, kept, broken }
  } finally {
    database.close()
  }
}

/** Whether nothing that was acknowledged is gone. What is there besides counts as acknowledged from now on. */
const examine = (folder: string, complain: (text: string) => void): void => {
  const { broken, jobs, kept, rows } = read(fileOf(folder))
  for (const text of broken) complain(text)
  const there = new Map(rows.map(({ cycle, hash, jobId }) => [`${jobId} ${cycle}`, hash]))
  for (const line of readLog(logOf(folder))) {
    if (line.tag === "Accepted" && !jobs.has(line.jobId)) complain(`${line.jobId} was accepted, and is gone`)
    if (line.tag === "Halted" && jobs.get(line.jobId) !== "converged") complain(`the end of ${line.jobId} is gone`)
    if (line.tag === "Committed" && there.get(`${line.jobId} ${line.cycle}`) !== line.hash) {
      complain(`cycle ${line.cycle} of ${line.jobId} was acknowledged, and is gone`)
    }
    if (line.tag === "Acted" && !there.has(`${line.jobId} ${line.cycle}`)) {
      complain(`${line.key} was performed, and its cycle is not committed`)
    }
  }
  const last = new Map(rows.map(({ cycle, jobId }) => [jobId, cycle]))
  const isThere = new Set(kept.map(({ cycle, jobId, key }) => `${jobId} ${cycle} ${key}`))
  for (const line of readLog(logOf(folder))) {
    if (line.tag !== "Kept" || line.cycle <= (last.get(line.jobId) ?? 0)) continue
    if (!isThere.has(`${line.jobId} ${line.cycle} ${line.key}`))
      complain(`${line.key} of ${line.jobId} was kept, and is gone`)
  }
  const log = logTo(logOf(folder))
  for (const row of rows) log({ tag: "Committed", ...row })
  for (const effect of kept) log({ tag: "Kept", ...effect })
}

/** Whether nothing ran again but what had to. */
const examineTasks = (folder: string, processes: number, complain: (text: string) => void): void => {
  const committed = new Map<string, number>()
  const kept = new Set<string>()
  const begun = new Map<string, number>()
  for (const line of readLog(logOf(folder))) {
    if (line.tag === "Committed") committed.set(line.jobId, Math.max(line.cycle, committed.get(line.jobId) ?? 0))
    if (line.tag === "Kept") kept.add(`${line.jobId} ${line.cycle} ${line.key}`)
    if (line.tag !== "Begun") continue
    const name = `${idOf(line.job)} ${line.cycle} ${line.key}`
    begun.set(name, (begun.get(name) ?? 0) + 1)
    if (line.cycle <= (committed.get(idOf(line.job)) ?? 0)) complain(`${name} ran again after its cycle was committed`)
    if (line.isMemoized && kept.has(name)) complain(`${name} ran again after its effect was kept`)
  }
  for (const [name, times] of begun)
    if (times > processes) complain(`${name} ran ${times} times in ${processes} processes`)
}

type Crashing = typeof crashing
type Comparable = ReturnType<typeof comparable<Crashing>>

const endOf = (job: Job.Job<Crashing>): Effect.Effect<End<Crashing>> =>
  Effect.gen(function* () {
    const outcome = yield* Effect.result(job.result)
    const events = yield* Stream.runCollect(job.events)
    return outcome._tag === "Success"
      ? { result: outcome.success, error: undefined, events }
      : { result: outcome.failure.partial, error: outcome.failure, events }
  })

/** The jobs as they end when nothing happens, with their intents. */
const undisturbed = Effect.runSync(
  Effect.cached(
    Effect.gen(function* () {
      yield* Engine.handle(measured, (intent) => Effect.succeed(answerTo(intent)))
      return yield* Effect.forEach(places, (job) =>
        Effect.map(runToEnd(crashing, { job }, { id: idOf(job) }), (end) => ({
          ...comparable(end),
          intents: end.result.intents
        }))
      )
    }).pipe(Effect.provide(engineInline))
  )
)

/** Brings all jobs to their end, in this process. */
const finish = (folder: string): Effect.Effect<ReadonlyArray<Comparable>, unknown> => {
  const log = logTo(logOf(folder))
  const engine = Engine.layer({ maxAttempts: 1_000 }).pipe(
    Layer.provide([Layer.fresh(JobStore.layerSqlite({ filename: fileOf(folder) })), WorkerPool.layerInline])
  )
  return Effect.gen(function* () {
    yield* Engine.handle(measured, actingIn(logOf(folder), comeTo))
    yield* Engine.resumeAll([crashing])
    const jobs = yield* Effect.forEach(places, (job) => Engine.start(crashing, { job }, { id: idOf(job) }))
    return yield* Effect.forEach(jobs, (job) => Effect.map(endOf(job), comparable))
  }).pipe(
    Effect.provideService(Told, (begun) => log({ tag: "Begun", ...begun })),
    Effect.provide(engine)
  )
}

/** Brings all jobs to their end, and looks whether that is the one that they have when nothing happens. */
export const examineEnd = async (folder: string, complain: (text: string) => void): Promise<void> => {
  const expected = await Effect.runPromise(undisturbed)
  const ends = await Effect.runPromise(Effect.result(finish(folder)))
  if (ends._tag === "Failure") return complain(`the jobs could not be brought to their end: ${String(ends.failure)}`)
  for (const [job, whole] of expected.entries()) {
    for (const what of ["hash", "result", "events"] as const) {
      const [one, other] = [whole[what], ends.success[job]?.[what]]
      if (one !== other) complain(`the ${what} of ${idOf(job)} is ${other}, not ${one}`)
    }
  }
  const { broken, jobs, kept } = read(fileOf(folder))
  for (const text of broken) complain(text)
  for (const [jobId, status] of jobs) if (status !== "converged") complain(`${jobId} is stored as ${status}`)
  if (kept.length > 0) complain(`${kept.length} effects are kept of jobs that have ended`)
}

/** Kills one process after the other over one set of jobs, and brings the jobs to their end. */
export const killAll = async (set: JobSet): Promise<Report> => {
  const { folder } = set
  const complaints: Array<string> = []
  const blown: Array<Blown> = []
  for (let blow = set.next(blown); blow !== undefined; blow = set.next(blown)) {
    const current = blow
    const complain = (text: string): void =>
      void complaints.push(`process ${blown.length + 1}, ${JSON.stringify(current)}: ${text}`)
    const came = await blowOnce(set, current, blown.length % 2 === 0 ? "asked" : "found", complain)
    examine(folder, complain)
    blown.push(came)
    if (!came.isKilled) break
  }
  const complain = (text: string): void => void complaints.push(`in the end: ${text}`)
  await examineEnd(folder, complain)
  examine(folder, complain)
  examineTasks(folder, blown.length + 1, complain)
  const wished = (await Effect.runPromise(undisturbed)).flatMap(({ intents }) => intents)
  const actsAgain = examineActs(readLog(logOf(folder)), wished, blown.length + 1, complain)
  return { blown, complaints, actsAgain }
}
