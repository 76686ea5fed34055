/** Two processes with engines over one file, which take jobs from each other while they run. */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { type ChildProcess, fork } from "node:child_process"
import { fileURLToPath } from "node:url"
import { describe, expect, it } from "@effect/vitest"
import { runInline } from "../support/core/run.ts"
import type { News, Order } from "../support/crash/rival.ts"
import { pace, walking } from "../support/crash/walking.ts"
import { openStore, withFile } from "../support/store/harness.ts"
import { ended, kill } from "../support/store/processes.ts"

const entry = fileURLToPath(new URL("../support/crash/rival.ts", import.meta.url))

/** A process with an engine, what it has told, and a way to wait for more. */
const rival = (filename: string) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const child = fork(entry, [filename], { stdio: ["ignore", "inherit", "inherit", "ipc"] })
      const news: Array<News> = []
      const waiting: Array<() => void> = []
      const wake = (): void => {
        for (const resume of waiting.splice(0)) resume()
      }
      child.on("message", (item: News) => {
        news.push(item)
        wake()
      })
      child.on("exit", wake)
      const more = () => new Promise<void>((resume) => void waiting.push(resume))
      return { child, news, more, order: (order: Order) => void child.send(order) }
    }),
    ({ child }) => Effect.promise(() => kill(child))
  )

interface Rival {
  readonly child: ChildProcess
  readonly news: ReadonlyArray<News>
  /** Waits for the next news, or the end of the process. */
  readonly more: () => Promise<void>
  readonly order: (order: Order) => void
}

/** Waits for news that were not there when `after` were. */
const until = ({ child, more, news }: Rival, isIt: (item: News) => boolean, after = 0): Effect.Effect<News> =>
  Effect.promise(async () => {
    for (;;) {
      const found = news.slice(after).find(isIt)
      if (found !== undefined) return found
      if (child.exitCode !== null || child.signalCode !== null) throw new Error("the process has ended")
      await more()
    }
  })

const jobs = ["a", "b"] as const
const turns = 12

describe("two engines of two processes over one file", () => {
  it.live(
    "take jobs from each other: each has one owner at a time, and ends as if nobody had",
    () =>
      withFile((filename) =>
        Effect.gen(function* () {
          const one: Rival = yield* rival(filename)
          const two: Rival = yield* rival(filename)
          yield* Effect.all(
            [one, two].map((it) => until(it, ({ kind }) => kind === "ready")),
            { concurrency: "unbounded" }
          )
          const owners = { a: one, b: two }
          for (const jobId of jobs) owners[jobId].order({ kind: "start", jobId })
          const committed = (it: Rival, jobId: string, after: number) =>
            until(it, (item) => item.kind === "committed" && item.jobId === jobId, after)
          yield* Effect.all([committed(one, "a", 0), committed(two, "b", 0)], { concurrency: "unbounded" })

          const take = (jobId: "a" | "b") =>
            Effect.gen(function* () {
              const loser = owners[jobId]
              const winner = loser === one ? two : one
              const [lost, won] = [loser.news.length, winner.news.length]
              winner.order({ kind: "take", jobId })
              yield* until(winner, (item) => item.kind === "runs" && item.jobId === jobId, won)
              const end = yield* until(loser, (item) => item.kind === "ended" && item.jobId === jobId, lost)
              expect(end).toMatchObject({ how: "StoreFailed: fenced" })
              yield* committed(winner, jobId, won)
              owners[jobId] = winner
            })
          for (let turn = 0; turn < turns; turn++) {
            yield* Effect.forEach(jobs, take, { concurrency: "unbounded", discard: true })
          }

          for (const it of [one, two]) it.order({ kind: "hurry" })
          pace.ms = 0
          const whole = yield* runInline(walking, {})
          for (const jobId of jobs) {
            const isEnd = (item: News) => item.kind === "ended" && item.jobId === jobId && item.how === "converged"
            expect(yield* until(owners[jobId], isEnd)).toMatchObject({ hash: whole.result.hash })
          }
          for (const { child, order } of [one, two]) {
            order({ kind: "end" })
            expect(yield* Effect.promise(() => ended(child))).toBe(0)
          }

          const { store } = yield* openStore({ filename })
          for (const jobId of jobs) {
            const rows = yield* Stream.runCollect(store.rows(jobId, 0))
            expect(yield* store.load(jobId)).toMatchObject({ status: "converged", hash: whole.result.hash })
            // By fence, which grows with each owner: nobody commits after the next one has begun.
            const told = [...one.news, ...two.news]
              .flatMap((item) => (item.kind === "committed" && item.jobId === jobId ? [item] : []))
              .sort((x, y) => x.fence - y.fence || x.cycle - y.cycle)
            expect(new Set(told.map(({ fence }) => fence)).size).toBe(turns + 1)
            expect(told.map(({ cycle, hash }) => [cycle, hash])).toEqual(rows.map(({ cycle, hash }) => [cycle, hash]))
          }
        })
      ),
    60_000
  )
})
