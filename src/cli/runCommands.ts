/**
 * The commands that run programs, and the one that shows the runtime's machines: flags and help.
 *
 * Boundary: definitions. The work of each command is in a file of its own, loaded when the command is called.
 */
import * as Argument from "effect/cli/Argument"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { type SettingName, settingNames, settings } from "../server/settings.ts"
import { attributeFlag } from "./attributes.ts"
import { define } from "./definition.ts"
import { UsageError } from "./exitCode.ts"
import * as flags from "./flags.ts"
import { lazily } from "./lazily.ts"
import { simulationFaults } from "../testing/simulation/faultNames.ts"

/** The flags of `converge serve`, as texts: the settings parse them in the same way as variables of the environment. */
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

export const run = define(
  "run",
  {
    module: Argument.String("module").pipe(
      Argument.withDescription("The module that exports the program: a path, or a package's specifier"),
      Argument.optional,
      Argument.map(Option.getOrUndefined)
    ),
    program: flags.program,
    input: flags.input,
    inputFile: flags.inputFile,
    workers: flags.workers,
    id: flags.optional(
      Flag.String("id").pipe(Flag.withMetavar("id"), Flag.withDescription("The job's id (default: a random one)"))
    ),
    attribute: attributeFlag("A text by which lists find the job"),
    store: flags.newStore,
    server: flags.runServer,
    durability: flags.durability,
    json: flags.json,
    facts: flags.facts,
    explain: flags.optional(
      Flag.String("explain").pipe(
        Flag.withMetavar("kind/id"),
        Flag.withDescription("Print where this fact comes from: which agents, cycles and facts")
      )
    ),
    inspect: Flag.Boolean("inspect").pipe(
      Flag.withDescription("Serve a page that shows the job while it runs"),
      Flag.withDefault(false)
    ),
    inspectStay: Flag.Boolean("inspect-stay").pipe(
      Flag.withDescription("The same, and keep the page until Ctrl-C"),
      Flag.withDefault(false)
    ),
    inspectStately: flags.optional(
      Flag.String("inspect-stately").pipe(
        Flag.withMetavar("ws-url"),
        Flag.withDescription("Show jobs and workers on a Stately inspector's relay")
      )
    ),
    case: flags.optional(
      Flag.String("case").pipe(
        Flag.withMetavar("file"),
        Flag.withDescription("Run this case of converge export, and compare its end and its hash")
      )
    ),
    strict: flags.strict,
    quiet: flags.quiet
  },
  {
    short: "Run a program to its end and print its result",
    long: `Run a program to its end and print its result.

Progress goes to standard error, the result to standard output. Ctrl-C cancels the job and
prints what it has found so far; a second one ends the process at once. If the agents need
services, the module exports them as "layer"; Node's services are always there. Handlers that it
exports (Engine.handler), alone or in an array, perform the intents of the program's agents.

With --store and --id the same command creates the job, goes on with it after a crash, or
prints its result if it has ended. Ctrl-C then leaves the job in the store, to be resumed;
"converge cancel" ends it.

With --server, and no module, the server runs one of its own programs, and this command follows the
job as "watch" does. Ctrl-C then leaves the job there. CONVERGE_STORE and CONVERGE_SERVER stand for
the flags: the file counts for a module, and the server where there is none. CONVERGE_TOKEN is the
token for the server.

With --inspect a page shows the job as it runs, on a free port of this machine; its address is
printed on standard error. "converge serve" has the page at /inspector.

With --case it runs an exported job from the answers in the file. Then the exit code is 0 if
the job ends as it was recorded, and 3 if it does not. A case that names its module may stand
in the place of the module.

${flags.exitCodes}`,
    examples: [
      {
        command: 'converge run ./audit.ts --input \'{"entry": "src/index.ts"}\'',
        description: "Run the module's program"
      },
      { command: "converge run ./audit.ts --json --quiet | jq .output", description: "Only the output" },
      {
        command: "converge run ./audit.ts --id audit-42 --store jobs.db",
        description: "A job that survives the process: run it again to go on"
      },
      {
        command: "converge run --server http://localhost:8080 --program audit --id audit-42",
        description: "A job of a server"
      },
      { command: "converge run ./audit.ts --explain Import/src/a.ts", description: "Where one fact comes from" },
      { command: "converge run ./audit.ts --inspect-stay", description: "Watch it in a browser" },
      { command: "converge run case.json", description: "A case that names its module" }
    ]
  },
  (host, { case: file, module, ...options }) => {
    const isCase = file !== undefined || module?.endsWith(".json") === true
    const { attribute, explain, facts, id, input, inputFile, inspectStately, json, program, server, store } = options
    const others = {
      "--input": input,
      "--input-file": inputFile,
      "--id": id,
      "--attribute": attribute[0],
      "--store": store,
      "--server": server,
      "--explain": explain,
      "--inspect-stately": inspectStately
    }
    const given = {
      json,
      facts,
      program,
      others,
      file: file ?? module ?? "",
      module: file === undefined ? undefined : module
    }
    return isCase
      ? lazily(
          () => import("./case.ts"),
          ({ runCaseFile }) => runCaseFile(host, given)
        )
      : lazily(
          () => import("./run.ts"),
          ({ run }) => run(host, { ...options, module })
        )
  }
)

export const simulate = define(
  "simulate",
  {
    module: Argument.String("module").pipe(
      Argument.withDescription("The module that exports the program: a path, or a package's specifier")
    ),
    program: flags.program,
    input: flags.input,
    inputFile: flags.inputFile,
    seeds: flags.optional(
      Flag.Int("seeds").pipe(
        Flag.withAlias("n"),
        Flag.withMetavar("n"),
        Flag.withDescription("The number of seeds, from 1 on (default: 100)")
      )
    ),
    seed: flags.optional(
      Flag.Int("seed").pipe(Flag.withMetavar("n"), Flag.withDescription("Run this seed alone, as often as you like"))
    ),
    faults: flags.optional(
      Flag.String("faults").pipe(
        Flag.withMetavar("a,b,..."),
        Flag.withDescription("The faults that may happen: all (default), none, or names from the list above")
      )
    ),
    signals: flags.optional(
      Flag.String("signals").pipe(
        Flag.withMetavar("file"),
        Flag.withDescription("Facts that arrive as signals, a JSON array of {kind, value}")
      )
    ),
    json: flags.json,
    quiet: flags.quiet
  },
  {
    short: "Run a program through orders and faults that seeds decide",
    long: `Run a program through orders and faults that seeds decide.

It is run once as it is, and then once for each seed, in a simulated world: the seed decides in
which order fibers and tasks go on, the number of workers, delays, and when the process dies and
goes on from its journal. All runs must agree on every cycle, the hash, the events and the
result; with --signals, on the facts at the end. Time is virtual, so waits take none. Approvals
are approved. Agents that need the network, a file or a thread need a stand-in: the module's
"layer" is built anew in each life of the process.

The first seed that differs is shown with the smallest run that still differs, in words, and with
the command that runs it again. The same seed gives the same report.

The faults: ${simulationFaults.slice(0, 7).join(", ")},
${simulationFaults.slice(7).join(", ")}.

Exit code: 0, or 3 if a seed differs, the job fails, or it waits for something outside; 64 usage.`,
    examples: [
      { command: "converge simulate ./audit.ts --seeds 1000", description: "All faults, a thousand seeds" },
      { command: "converge simulate ./audit.ts --seed 42", description: "One seed again" },
      { command: "converge simulate ./audit.ts --faults kills,load", description: "Some faults" }
    ]
  },
  (host, options) =>
    lazily(
      () => import("./simulate.ts"),
      ({ simulate }) => simulate(host, options)
    )
)

export const serve = define(
  "serve",
  {
    modules: Argument.String("module").pipe(
      Argument.withDescription("Modules that export programs: paths, or packages' specifiers"),
      Argument.atLeast(1)
    ),
    inspect: Flag.Boolean("inspect").pipe(
      Flag.withDescription("Print the address of the page that shows the jobs"),
      Flag.withDefault(false)
    ),
    inspectStately: flags.optional(
      Flag.String("inspect-stately").pipe(
        Flag.withMetavar("ws-url"),
        Flag.withDescription("Show jobs and workers on a Stately inspector's relay")
      )
    ),
    ...settingFlags()
  },
  {
    short: "Serve programs' jobs over HTTP",
    long: `Serve programs' jobs over HTTP, until a signal ends the server.

Then it takes no more jobs, sends viewers of events a Goodbye, lets jobs run for the time of
--drain, and ends with exit code 0. A second signal ends the waiting. Jobs with a journal go on at
the next start. Every flag of a setting is also an environment variable: --max-streams is
CONVERGE_MAX_STREAMS. The standard OTEL_* variables say where telemetry goes. The page that shows
the jobs is at /inspector; --inspect prints its address.`,
    examples: [
      { command: "converge serve ./audit.ts --store jobs.db", description: "Serve the module's programs, durably" },
      {
        command: "CONVERGE_TOKEN=secret converge serve ./audit.ts --host 0.0.0.0",
        description: "For other machines, with a token"
      }
    ]
  },
  (host, { inspect, inspectStately, modules, ...flags }) =>
    lazily(
      () => import("./serve.ts"),
      ({ serve }) => serve(host, { modules, inspect, inspectStately, flags: given(flags) })
    )
)

export const machine = define(
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
  {
    short: "Print a statechart of the runtime",
    long: "Print a statechart of the runtime: the machine of every job, or that of a worker thread.",
    examples: [
      { command: "converge machine > job.mmd", description: "The job's machine as a diagram" },
      { command: "converge machine worker --format json", description: "The worker's machine for Stately's editor" }
    ]
  },
  (host, options) =>
    lazily(
      () => import("./machine.ts"),
      ({ machine }) => machine(host, options)
    )
)

/** The command `help`, for the list of commands and for completion: `command.ts` turns it into `--help`. */
export const help = define(
  "help",
  {
    command: Argument.String("command").pipe(
      Argument.withDescription("The command to explain"),
      Argument.withDefault("")
    )
  },
  {
    short: "Explain a command",
    long: "Explain a command, or list all of them: the same as --help.",
    examples: [{ command: "converge help run", description: "What run does, and its flags" }]
  },
  (_, { command }) => Effect.fail(new UsageError({ message: `there is no command ${JSON.stringify(command)}` }))
)
