/**
 * The progress of a job on standard error.
 *
 * A terminal shows a line per tier, drawn ten times a second. Other outputs get plain lines: one for each committed cycle, or
 * for all cycles since the last line, which is at least 100 ms ago (a second in a long job). A cycle that takes long gets a
 * sign of life. Boundary: follows a job's events and telemetry; liveBlock.ts and plainLines.ts write the lines.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import process from "node:process"
import type { Job } from "../job/Job.ts"
import type { JobTelemetry } from "../outcome/JobEvent.ts"
import type { Program } from "../program/Program.ts"
import type { Host } from "./hostProcess.ts"
import { liveBlock } from "./liveBlock.ts"
import { PlainLines } from "./plainLines.ts"
import { Screen } from "./liveScreen.ts"
import { type Present, Tally, type TierNames } from "./progressCount.ts"
import { styleFor } from "./text.ts"
import type { CompiledProgram } from "../program/erased.ts"
import { monotonicMs } from "../platform/monotonicMs.ts"

const frameMs = 100

/** Shows a tally: `frame` ten times a second, `end` once. */
interface Renderer {
  readonly frame: (tally: Tally, at: number) => void
  readonly end: (tally: Tally, at: number) => void
}

const live = (stream: typeof process.stderr): Renderer => {
  const style = styleFor(stream)
  const screen = new Screen(stream)
  return {
    frame: (tally, at) => screen.draw(liveBlock(tally, at, style, stream.columns - 1)),
    end: (tally, at) => {
      screen.draw(liveBlock(tally, at, style, stream.columns - 1))
      screen.release()
      // The result follows on the same terminal.
      if (process.stdout.isTTY) stream.write("\n")
    }
  }
}

const plain = (host: Host, program: TierNames): Renderer => {
  const lines = new PlainLines(program.name)
  const write = (line: string | undefined): void => {
    if (line !== undefined) host.say("INFO", line)
  }
  return {
    frame: (tally, at) => write(lines.next(tally, at)),
    end: (tally, at) => write(lines.last(tally, at))
  }
}

/** A job that is followed: its log and its telemetry. */
export interface Followed<E> {
  readonly events: Stream.Stream<Parameters<Tally["onEvent"]>[0], E>
  readonly telemetry: Stream.Stream<JobTelemetry, E>
  /** The cycle under way. Undefined if only telemetry tells of it. */
  readonly present: (() => Present) | undefined
}

/** Follows a job until its log ends. If it begins before the job's first turn, it misses nothing. */
export const follow = <P extends Program.Any>(host: Host, job: Job<P>, program: CompiledProgram): Effect.Effect<void> =>
  followLog(
    host,
    { events: job.events, telemetry: job.telemetry, present: () => job.actor.getSnapshot().context },
    program
  )

/** Follows a log until it ends. */
export const followLog = <E>(
  host: Host,
  { events: log, present, telemetry: items }: Followed<E>,
  program: TierNames
): Effect.Effect<void, E> =>
  Effect.gen(function* () {
    const clock = yield* Clock.Clock
    const now = (): number => monotonicMs(clock)
    const tally = new Tally(program, now())
    const isTerminal = process.stderr.isTTY && process.env["TERM"] !== "dumb" && host.logFormat === "text"
    const renderer = isTerminal ? live(process.stderr) : plain(host, program)
    const events = Stream.runForEach(log, (event) => Effect.sync(() => tally.onEvent(event, now())))
    const telemetry = Stream.runForEach(items, (item) => Effect.sync(() => tally.onTelemetry(item, now())))
    const frame = Effect.sync(() => {
      tally.observe(present === undefined ? tally.queued : present())
      renderer.frame(tally, now())
    })
    const frames = Effect.forever(Effect.andThen(Effect.sleep(frameMs), frame))
    yield* Effect.all([telemetry, Effect.raceFirst(events, frames)], { concurrency: 2, discard: true }).pipe(
      Effect.ensuring(Effect.sync(() => renderer.end(tally, now())))
    )
  })
