/**
 * Defines a command: its name, its arguments and flags, its help, and its work.
 *
 * A new command is a definition in `runCommands.ts`, `lookCommands.ts`, `steerCommands.ts` or `checkCommands.ts`, and a line in
 * the list of `command.ts`. A flag that several commands have stands in `flags.ts`. Boundary: definitions; the work of a command
 * is in a file of its own, loaded when the command is called.
 */
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import process from "node:process"
import { UsageError } from "./exitCode.ts"
import { logFormatFlag } from "./flags.ts"
import type { Host } from "./hostProcess.ts"
import { type LogFormat, logFormats, logFormatVariable, logging } from "./logging.ts"

/** The surroundings of a command: the process that it runs in, and the receiver of its exit code. */
export interface Invocation {
  readonly host: Host
  readonly finish: (exitCode: number) => void
}

/** The help of a command. */
export interface Help {
  /** A line in the list of commands. */
  readonly short: string
  readonly long: string
  readonly examples: ReadonlyArray<{ readonly command: string; readonly description: string }>
}

/** The form of the log: from the flag, or else from the environment. */
const logFormatOf = (flag: LogFormat | undefined): Effect.Effect<LogFormat, UsageError> => {
  const given = flag ?? process.env[logFormatVariable] ?? "text"
  const format = logFormats.find((name) => name === given)
  return format === undefined
    ? Effect.fail(new UsageError({ message: `${logFormatVariable} takes text or json` }))
    : Effect.succeed(format)
}

/** Defines a command. `perform` loads the command's file, and returns the exit code. */
export const define =
  <const Name extends string, const Config extends Command.Command.Config, E, R>(
    name: Name,
    config: Config,
    help: Help,
    perform: (host: Host, options: Command.Command.Config.Infer<Config>) => Effect.Effect<number, E, R>
  ) =>
  ({ finish, host }: Invocation) =>
    Command.make(name, config, (options) =>
      Effect.gen(function* () {
        const format = yield* logFormatOf(yield* logFormatFlag)
        host.logFormat = format
        finish(yield* Effect.provide(perform(host, options), logging(format)))
      })
    ).pipe(
      Command.withShortDescription(help.short),
      Command.withDescription(help.long),
      Command.withExamples([...help.examples])
    )
