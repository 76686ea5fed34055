/**
 * The command line of `converge`: the list of its commands, how errors are shown, and the exit code.
 *
 * Boundary: the process. The commands are defined in `runCommands.ts`, `lookCommands.ts`, `steerCommands.ts` and
 * `checkCommands.ts`.
 */
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as CliConfig from "effect/cli/CliConfig"
import * as CliOutput from "effect/cli/CliOutput"
import * as Command from "effect/cli/Command"
import { fromCommand } from "effect/cli/Completions"
import type { FlagDoc } from "effect/cli/HelpDoc"
import * as TerminalCapabilities from "effect/cli/TerminalCapabilities"
import * as GlobalFlag from "effect/cli/GlobalFlag"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import process from "node:process"
import * as Completions from "./completions.ts"
import { deleteJob } from "./deleteCommand.ts"
import { ofDefect } from "./environment.ts"
import { backup, exportJob, inspect, rehearse, restore, verify } from "./checkCommands.ts"
import { CommandFailed, ExitCode, UsageError } from "./exitCode.ts"
import { Host } from "./hostProcess.ts"
import { approvals, diff, events, explain, jobs, lineage, replay, show, watch } from "./lookCommands.ts"
import { help, machine, run, serve, simulate } from "./runCommands.ts"
import { approve, cancel, fork, pause, prune, resume, signal } from "./steerCommands.ts"
import type { Invocation } from "./definition.ts"
import { logFormatFlag } from "./flags.ts"
import { logFormats, logFormatVariable } from "./logging.ts"
import { noteOn, SlowServer } from "./slowServer.ts"
import { indent, styleFor, wrap } from "./text.ts"

/** All commands, in the order of the help. */
const commands = (invocation: Invocation) =>
  Command.make("converge").pipe(
    Command.withDescription(
      "Run jobs that converge: agents work on one shared context of facts until nothing is left to do."
    ),
    Command.withSubcommands([
      run(invocation),
      resume(invocation),
      jobs(invocation),
      show(invocation),
      watch(invocation),
      cancel(invocation),
      approvals(invocation),
      approve(invocation),
      signal(invocation),
      pause(invocation),
      replay(invocation),
      diff(invocation),
      explain(invocation),
      lineage(invocation),
      events(invocation),
      inspect(invocation),
      fork(invocation),
      verify(invocation),
      simulate(invocation),
      rehearse(invocation),
      exportJob(invocation),
      backup(invocation),
      restore(invocation),
      prune(invocation),
      deleteJob(invocation),
      serve(invocation),
      machine(invocation),
      help(invocation)
    ]),
    Command.withGlobalFlags([logFormatFlag])
  )

/** Shorter descriptions of Effect's own flags, on lines that fit a terminal. */
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
const presenter = (host: Host): CliOutput.Presenter => ({
  present: (event) => {
    if (event._tag === "Help") {
      const helpDoc = { ...event.helpDoc, globalFlags: (event.helpDoc.globalFlags ?? []).map(brief) }
      return Effect.map(TerminalCapabilities.TerminalCapabilities, ({ canColor }) => {
        const text = CliOutput.defaultFormatter({ colors: canColor }).formatHelpDoc(helpDoc)
        const { columns, isTTY } = process.stdout
        process.stdout.write(`${isTTY && columns > 0 ? wrap(text, columns) : text}\n`)
      })
    }
    if (event._tag === "Version") return CliOutput.defaultPresenter.present(event)
    const lines = event.errors.map((error) => `converge: ${error.message}`)
    return host.warn(`${lines.join("\n")}\n\nTry: ${event.commandPath.join(" ")} --help`, "ERROR")
  }
})

/** Prints a completion script in which files complete, too. */
const completions: typeof GlobalFlag.Completions = {
  ...GlobalFlag.Completions,
  run: (shell, { command }) =>
    Option.isNone(shell) ? Effect.void : Console.log(Completions.script(command, shell.value))
}

const config = CliConfig.make({
  builtIns: [GlobalFlag.Help, GlobalFlag.Version, completions, GlobalFlag.LogLevel]
})

/** `help run` is another spelling of `run --help`. The command `help` gets, and refuses, a name that no command has. */
const withoutHelp = (args: ReadonlyArray<string>, names: ReadonlyArray<string>): ReadonlyArray<string> => {
  const [first, second] = args
  if (first !== "help") return args
  if (second === undefined || second.startsWith("-")) return ["--help"]
  return names.includes(second) ? [second, "--help"] : args
}

const layerOf = (host: Host) =>
  Layer.mergeAll(
    NodeServices.layer,
    Layer.succeed(CliConfig.CliConfig, config),
    CliOutput.layerPresenter(presenter(host))
  )

/** Runs the command that the process was started with. The host ends the process when the command has ended. */
export const main = (version: string, args = process.argv.slice(2), host = new Host()): void => {
  const report = (error: UsageError | CommandFailed): Effect.Effect<void> => {
    const details = error.details === undefined ? "" : `\n\n${indent(error.details, "  ")}\n`
    const name = host.logFormat === "text" ? styleFor(process.stderr)("red", "converge:") : "converge:"
    return host.warn(`${name} ${error.message}${details}`, "ERROR")
  }
  // The variable is read before the flags are, so that an error in the flags has the right form.
  host.logFormat = logFormats.find((format) => format === process.env[logFormatVariable]) ?? "text"
  let exitCode = 0
  const root = commands({ host, finish: (code) => (exitCode = code) })
  const names = fromCommand(root).subcommands.map(({ name }) => name)
  const command = Command.runWith(root, { version })(withoutHelp(args, names)).pipe(
    Effect.map(() => exitCode),
    // Layers read the environment when they are built, and die of what they cannot use.
    Effect.catchDefect((defect) => {
      const error = ofDefect(defect)
      return error === undefined ? Effect.die(defect) : Effect.fail(error)
    }),
    Effect.catchTags({
      UsageError: (error) => Effect.as(report(error), ExitCode.usage),
      CommandFailed: (error) => Effect.as(report(error), error.exitCode ?? ExitCode.failure),
      ShowHelp: ({ errors }) => Effect.succeed(errors.length > 0 ? ExitCode.usage : 0)
    }),
    Effect.orDie,
    Effect.provide(layerOf(host)),
    Effect.provideService(SlowServer, noteOn(host))
  )
  host.run(command)
}
