/**
 * Defines a command: its name, what it takes, what its help says, and what it does.
 *
 * A new command is a definition in `runCommands.ts` or `storeCommands.ts`, and its line in the list of `command.ts`. A flag that
 * several commands have stands in `flags.ts`. Boundary: definitions; what a command does is in a file of its own, loaded when
 * the command is called.
 */
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import type { Host } from "./hostProcess.ts"

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

/** Defines a command. `perform` loads what it needs, and gives the exit code. */
export const define =
  <const Name extends string, const Config extends Command.Command.Config, E, R>(
    name: Name,
    config: Config,
    help: Help,
    perform: (host: Host, options: Command.Command.Config.Infer<Config>) => Effect.Effect<number, E, R>
  ) =>
  ({ finish, host }: Invocation) =>
    Command.make(name, config, (options) => Effect.map(perform(host, options), finish)).pipe(
      Command.withShortDescription(help.short),
      Command.withDescription(help.long),
      Command.withExamples([...help.examples])
    )
