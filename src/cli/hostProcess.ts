/**
 * The process that the command runs in: its signals, stray errors, standard output, and its end.
 *
 * - The first SIGINT, SIGTERM or SIGHUP asks the command to stop. A command that has called `takeStops` gets the stop and
 *   decides; before that call it is interrupted. The second signal ends the process at once. If `hurried` waits for the second
 *   signal, the third one does.
 * - A promise that nobody awaits and an error that nobody catches are reported on stderr, and ask the command to stop,
 *   too; the process then ends with code 70 (docs/semantics.md, G8).
 * - Lines for people go to standard error, as JSON records if the log is in JSON.
 * - Standard output belongs to the result. From `reserveStdout` on, what agents and their threads write there goes to
 *   standard error instead. A reader that has gone away (`| head -1`) is no error.
 *
 * Invariant: the process ends when the command has ended and everything is written, even if a module has left timers behind, or
 * a thread is in an agent's native call.
 * Boundary: owns `process`; knows nothing of jobs.
 */
import * as Cause from "effect/Cause"
import * as DateTime from "effect/DateTime"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Runtime from "effect/Runtime"
import process from "node:process"
import { inspect } from "node:util"
import { ExitCode } from "./exitCode.ts"
import { type LogFormat, logRecord } from "./logging.ts"
import { printable } from "./text.ts"
import { liveThreads } from "../platform/liveThreads.ts"

/** The most characters of an incomplete line that are kept until the line is complete. */
const partialLength = 65_536

type Signal = keyof typeof ExitCode.signal

/** The reason why the command is asked to stop. */
export interface Stop {
  readonly _tag: "Signal" | "Stray"
  /** The exit code of a command that ends for this reason. */
  readonly exitCode: number
}

export class Host {
  readonly #stop = Deferred.makeUnsafe<Stop>()
  #hurry: Deferred.Deferred<void> | undefined
  readonly #writeStdout = process.stdout.write.bind(process.stdout)
  #fiber: Fiber.Fiber<unknown, unknown> | undefined
  #stopsAreTaken = false
  /** The exit code that replaces the command's own. */
  #exitCode: number | undefined
  #signals = 0
  /** The beginning of a line that an agent has written to standard output. */
  #partial = ""
  /** The form of lines on standard error. */
  logFormat: LogFormat = "text"
  readonly #leave: (exitCode: number) => void

  /** `end` ends the process. Tests that share a process have one of their own. */
  constructor(end: (exitCode: number) => void = leave) {
    this.#leave = end
  }

  /** From here on a stop does not interrupt the command: it waits for `stop` and ends by itself. */
  readonly takeStops: Effect.Effect<Effect.Effect<Stop>> = Effect.sync(() => {
    this.#stopsAreTaken = true
    return Deferred.await(this.#stop)
  })

  /** Waits for the second signal, which then does not end the process. */
  readonly hurried: Effect.Effect<void> = Effect.suspend(() => {
    this.#hurry ??= Deferred.makeUnsafe<void>()
    return Deferred.await(this.#hurry)
  })

  /** Ends the process after `ms` milliseconds, whatever it still waits for. Code that blocks the event loop delays the end. */
  endWithin(ms: number): Effect.Effect<void> {
    const end = Effect.sync(() => {
      this.say("WARN", "converge: not everything has ended in time")
      this.#leave(this.#exitCode ?? 0)
    })
    return Effect.asVoid(Effect.forkDetach(Effect.delay(end, ms)))
  }

  /** From now on, all writes to standard output but those of `write` go to standard error. */
  readonly reserveStdout: Effect.Effect<void> = Effect.sync(() => {
    process.stdout.write = (
      chunk: string | Uint8Array,
      encoding?: BufferEncoding | ((error?: Error | null) => void),
      done?: (error?: Error | null) => void
    ): boolean => {
      if (this.logFormat === "json") {
        this.#sayLines(typeof chunk === "string" ? chunk : Buffer.from(chunk).toString("utf8"))
        const written = typeof encoding === "function" ? encoding : done
        if (written !== undefined) process.nextTick(written)
        return true
      }
      if (typeof encoding === "string") process.stderr.write(chunk, encoding, done)
      else process.stderr.write(chunk, encoding)
      // A writer that got false would wait for a "drain" of standard output, which never comes: nothing is written to it.
      return true
    }
  })

  /** Says each complete line, and keeps an incomplete one. */
  #sayLines(chunk: string): void {
    const lines = (this.#partial + chunk).split("\n")
    this.#partial = (lines.pop() ?? "").slice(-partialLength)
    for (const line of lines) this.say("INFO", line)
  }

  /** Writes to standard output. Succeeds when the text is written, or nobody reads it any more. */
  write(text: string): Effect.Effect<void> {
    return Effect.callback((resume) => {
      this.#writeStdout(text, (error) => {
        if (error !== undefined && error !== null && !isGone(error)) {
          this.#exitCode ??= ExitCode.failure
          this.say("ERROR", `converge: cannot write to standard output: ${error.message}`)
        }
        resume(Effect.void)
      })
    })
  }

  /** Says something to people, on standard error. */
  warn(text: string, level: "INFO" | "WARN" | "ERROR" = "INFO"): Effect.Effect<void> {
    return Effect.sync(() => this.say(level, text))
  }

  /** Does the same as `warn`, at once. */
  say(level: "INFO" | "WARN" | "ERROR", text: string): void {
    if (this.logFormat === "text") process.stderr.write(`${text}\n`)
    else {
      const message = text.replace(/^converge: /, "")
      process.stderr.write(`${logRecord({ timestamp: DateTime.formatIso(DateTime.nowUnsafe()), level, message })}\n`)
    }
  }

  /** Runs the command as the main fiber of the process. The command gives the exit code. */
  run(command: Effect.Effect<number>): void {
    process.on("SIGINT", () => this.#onSignal("SIGINT"))
    process.on("SIGTERM", () => this.#onSignal("SIGTERM"))
    process.on("SIGHUP", () => this.#onSignal("SIGHUP"))
    process.on("uncaughtException", (error) => this.#onStray("uncaught exception", error))
    process.on("unhandledRejection", (reason) => this.#onStray("unhandled rejection", reason))
    // The callback of the write gets the error.
    process.stdout.on("error", () => undefined)
    process.stderr.on("error", () => undefined)
    const runMain = Runtime.makeRunMain(({ fiber }) => {
      this.#fiber = fiber
      fiber.addObserver((exit) => this.#end(exit))
    })
    runMain(command, { disableErrorReporting: true })
  }

  #onSignal(signal: Signal): void {
    this.#signals++
    if (this.#signals === 2 && this.#hurry !== undefined) {
      Deferred.doneUnsafe(this.#hurry, Effect.void)
      return
    }
    if (this.#signals > 1) this.#leave(ExitCode.signal[signal])
    if (!this.#stopsAreTaken) this.#exitCode ??= ExitCode.signal[signal]
    this.#ask({ _tag: "Signal", exitCode: ExitCode.signal[signal] })
  }

  #onStray(what: string, error: unknown): void {
    this.#exitCode = ExitCode.failure
    const text = error instanceof Error && error.stack !== undefined ? error.stack : inspect(error)
    this.say("ERROR", `converge: ${what}: ${printable(text)}`)
    this.#ask({ _tag: "Stray", exitCode: ExitCode.failure })
  }

  #ask(stop: Stop): void {
    if (this.#stopsAreTaken) Deferred.doneUnsafe(this.#stop, Effect.succeed(stop))
    else this.#fiber?.interruptUnsafe()
  }

  #end(exit: Exit.Exit<unknown, unknown>): void {
    let code = Exit.isSuccess(exit) && typeof exit.value === "number" ? exit.value : ExitCode.failure
    if (Exit.isFailure(exit) && !Cause.hasInterruptsOnly(exit.cause)) {
      this.say("ERROR", `converge: ${printable(Cause.pretty(exit.cause))}`)
    }
    code = this.#exitCode ?? code
    // The exit waits until standard output is written, and never for standard error.
    process.exitCode = code
    this.#writeStdout("", () => this.#leave(this.#exitCode ?? code))
  }
}

/**
 * Ends the process, whatever its threads do. `process.exit` waits for each thread, and a thread in a native call may never end.
 * So a process with threads becomes another one (`execve`), which ends at once with the code. Only this, a signal and an abort
 * end all threads where they are, and a signal has no exit code of ours. By then everything is written.
 */
const leave = (code: number): void => {
  if (liveThreads.count === 0) process.exit(code)
  try {
    process.exitCode = code
    process.emit("exit", code)
    process.execve?.("/bin/sh", ["sh", "-c", `exit ${code}`], {})
  } catch {
    // There is no such program, or the system has no such call.
  }
  process.kill(process.pid, "SIGKILL")
}

/** The reader has closed its end. */
const isGone = (error: Error): boolean => "code" in error && error.code === "EPIPE"
