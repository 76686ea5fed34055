/**
 * The commands of `converge`, their flags and their help.
 *
 * What a command does is in a file of its own, loaded when it is called. Boundary: the command line and exit codes.
 */
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Argument from "effect/cli/Argument"
import * as CliConfig from "effect/cli/CliConfig"
import * as CliOutput from "effect/cli/CliOutput"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import type { FlagDoc } from "effect/cli/HelpDoc"
import * as GlobalFlag from "effect/cli/GlobalFlag"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import process from "node:process"
import { CommandFailed, ExitCode, UsageError } from "./exitCode.ts"
import * as flags from "./flags.ts"
import { Host } from "./host.ts"
import { lazily } from "./lazily.ts"
import { storeCommands } from "./storeCommands.ts"
import { type SettingName, settingNames, settings } from "../server/settings.ts"
import { indent, styleFor } from "./text.ts"

/** The flags of `converge serve`: texts, which the settings read as they read the environment. */
const settingFlags = (): Record<SettingName, Flag.Flag<string | undefined>> => {
  const made: Partial<Record<SettingName, Flag.Flag<string | undefined>>> = {}
  for (const name of settingNames) {
    const { description, fallback, flag, isSwitch } = settings[name]
    const words = `${description} (default: ${fallback})`
    made[name] = isSwitch
      ? Flag.Boolean(flag).pipe(
          Flag.withDescription(description),
          Flag.withDefault(false),
          Flag.map((isSet) => (isSet ? "true" : undefined))
        )
      : flags.optional(Flag.String(flag).pipe(Flag.withMetavar("value"), Flag.withDescription(words)))
  }
  return made as Record<SettingName, Flag.Flag<string | undefined>>
}

const given = (values: Readonly<Record<SettingName, string | undefined>>): Partial<Record<SettingName, string>> =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined))

const commands = (host: Host, finish: (exitCode: number) => void) => {
  const run = Command.make(
    "run",
    {
      module: Argument.String("module").pipe(
        Argument.withDescription("The module that exports the program: a path, or a package's specifier")
      ),
      program: flags.program,
      input: flags.input,
      inputFile: flags.inputFile,
      workers: flags.workers,
      id: flags.optional(
        Flag.String("id").pipe(Flag.withMetavar("id"), Flag.withDescription("The job's id (default: a random one)"))
      ),
      store: flags.newStore,
      durability: flags.durability,
      json: flags.json,
      facts: flags.facts,
      explain: flags.optional(
        Flag.String("explain").pipe(
          Flag.withMetavar("kind/id"),
          Flag.withDescription("Print where this fact comes from: which agents, cycles and facts")
        )
      ),
      inspectStately: flags.optional(
        Flag.String("inspect-stately").pipe(
          Flag.withMetavar("ws-url"),
          Flag.withDescription("Show the job's machine on a Stately inspector's relay")
        )
      ),
      quiet: flags.quiet
    },
    (options) =>
      Effect.map(
        lazily(
          () => import("./run.ts"),
          ({ run }) => run(host, options)
        ),
        finish
      )
  ).pipe(
    Command.withShortDescription("Run a program to its end and print its result"),
    Command.withDescription(
      `Run a program to its end and print its result.

Progress goes to standard error, the result to standard output. Ctrl-C cancels the job and
prints what it has found so far; a second one ends the process at once. If the agents need
services, the module exports them as "layer"; those of Node are there anyway.

With --store and --id the same command creates the job, goes on with it after a crash, or
prints its result if it has ended. Ctrl-C then leaves the job in the store, to be resumed;
"converge cancel" ends it.

${flags.exitCodes}`
    ),
    Command.withExamples([
      {
        command: 'converge run ./audit.ts --input \'{"entry": "src/index.ts"}\'',
        description: "Run the module's program"
      },
      { command: "converge run ./audit.ts --json --quiet | jq .output", description: "Only the output" },
      {
        command: "converge run ./audit.ts --id audit-42 --store jobs.db",
        description: "A job that survives the process: run it again to go on"
      },
      { command: "converge run ./audit.ts --explain Import/src/a.ts", description: "Where one fact comes from" }
    ])
  )

  const serve = Command.make(
    "serve",
    {
      modules: Argument.String("module").pipe(
        Argument.withDescription("Modules that export programs: paths, or packages' specifiers"),
        Argument.atLeast(1)
      ),
      ...settingFlags()
    },
    ({ modules, ...flags }) =>
      Effect.map(
        lazily(
          () => import("./serve.ts"),
          ({ serve }) => serve(host, { modules, flags: given(flags) })
        ),
        finish
      )
  ).pipe(
    Command.withShortDescription("Serve programs' jobs over HTTP"),
    Command.withDescription(
      `Serve programs' jobs over HTTP, until a signal asks to stop.

Then it takes no more jobs, tells viewers of events goodbye, lets jobs end for a while, and ends
with exit code 0. A second signal ends the waiting. Jobs that are journaled go on at the next
start. Every flag is also a variable of the environment: --max-streams is CONVERGE_MAX_STREAMS.
Telemetry goes where the standard OTEL_* variables say.`
    ),
    Command.withExamples([
      { command: "converge serve ./audit.ts --store jobs.db", description: "Serve the module's programs, durably" },
      {
        command: "CONVERGE_TOKEN=secret converge serve ./audit.ts --host 0.0.0.0",
        description: "For other machines, with a token"
      }
    ])
  )

  const machine = Command.make(
    "machine",
    {
      machine: Argument.Literals("machine", ["job", "worker"]).pipe(
        Argument.withDescription("The job's machine (default) or the worker thread's"),
        Argument.withDefault("job" as const)
      ),
      format: Flag.Literals("format", ["mermaid", "json"]).pipe(
        Flag.withAlias("f"),
        Flag.withDescription("A Mermaid diagram (default), or JSON that Stately's editor imports"),
        Flag.withDefault("mermaid" as const)
      )
    },
    (options) =>
      Effect.map(
        lazily(
          () => import("./machine.ts"),
          ({ machine }) => machine(host, options)
        ),
        finish
      )
  ).pipe(
    Command.withShortDescription("Print a statechart of the runtime"),
    Command.withDescription(
      "Print a statechart of the runtime: the machine that every job is, or the life of a worker thread."
    ),
    Command.withExamples([
      { command: "converge machine > job.mmd", description: "The job's machine as a diagram" },
      { command: "converge machine worker --format json", description: "The worker's machine for Stately's editor" }
    ])
  )

  return Command.make("converge").pipe(
    Command.withDescription(
      "Run jobs that converge: agents work on one shared context of facts until nothing is left to do."
    ),
    Command.withSubcommands([run, ...storeCommands(host, finish), serve, machine])
  )
}

/** What Effect says about its own flags, on lines that fit a terminal. */
const brief = (flag: FlagDoc): FlagDoc => {
  if (flag.name === "completions") {
    return {
      ...flag,
      type: "shell",
      description: Option.some("Print a completion script for bash, zsh, fish or powershell")
    }
  }
  if (flag.name === "log-level") {
    return {
      ...flag,
      type: "level",
      description: Option.some("The least severe logs to show: debug, info, warn, error or none")
    }
  }
  return flag
}

/** Errors go to standard error, without the help in front of them. */
const presenter: CliOutput.Presenter = {
  present: (event) => {
    if (event._tag === "Help") {
      const helpDoc = { ...event.helpDoc, globalFlags: (event.helpDoc.globalFlags ?? []).map(brief) }
      return CliOutput.defaultPresenter.present({ ...event, helpDoc })
    }
    if (event._tag === "Version") return CliOutput.defaultPresenter.present(event)
    return Effect.sync(() => {
      const lines = event.errors.map((error) => `converge: ${error.message}`)
      process.stderr.write(`${lines.join("\n")}\n\nTry: ${event.commandPath.join(" ")} --help\n`)
    })
  }
}

const config = CliConfig.make({
  builtIns: [GlobalFlag.Help, GlobalFlag.Version, GlobalFlag.Completions, GlobalFlag.LogLevel]
})

const layer = Layer.mergeAll(
  NodeServices.layer,
  Layer.succeed(CliConfig.CliConfig, config),
  CliOutput.layerPresenter(presenter)
)

/** Runs the command that the process was started with. Never returns: it ends the process. */
export const main = (version: string): void => {
  const host = new Host()
  const report = (error: UsageError | CommandFailed): Effect.Effect<void> => {
    const style = styleFor(process.stderr)
    const details = error.details === undefined ? "" : `\n\n${indent(error.details, "  ")}\n`
    return host.warn(`${style("red", "converge:")} ${error.message}${details}`)
  }
  let exitCode = 0
  const command = Command.runWith(
    commands(host, (code) => (exitCode = code)),
    { version }
  )(process.argv.slice(2)).pipe(
    Effect.map(() => exitCode),
    Effect.catchTags({
      UsageError: (error) => Effect.as(report(error), ExitCode.usage),
      CommandFailed: (error) => Effect.as(report(error), error.exitCode ?? ExitCode.failure),
      ShowHelp: ({ errors }) => Effect.succeed(errors.length > 0 ? ExitCode.usage : 0)
    }),
    Effect.orDie,
    Effect.provide(layer)
  )
  host.run(command)
}
