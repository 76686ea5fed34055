/**
 * Completion scripts: Effect's, in which files complete where the command takes files.
 *
 * The command reads paths as texts, so that its messages show them as they were given, but Effect completes no texts.
 * Boundary: changes descriptions of commands, and a line of a script.
 */
import * as Completions from "effect/cli/Completions"

const files = new Set([
  "module",
  "module-or-job",
  "module-and-job",
  "store",
  "input-file",
  "token-file",
  "file",
  "from",
  "to"
])

const asPath = <A extends { readonly name: string; readonly type: { readonly _tag: string } }>(given: A) =>
  given.type._tag === "String" && files.has(given.name)
    ? { ...given, type: { _tag: "Path" as const, pathType: "either" as const } }
    : given

const withPaths = (command: Completions.CommandDescriptor): Completions.CommandDescriptor => ({
  ...command,
  flags: command.flags.map(asPath),
  arguments: command.arguments.map(asPath),
  subcommands: command.subcommands.map(withPaths)
})

/** The script of a shell. */
export const script = (command: Parameters<typeof Completions.fromCommand>[0], shell: Completions.Shell): string => {
  const made = Completions.generate(command.name, shell, withPaths(Completions.fromCommand(command)))
  // Where the script has no completion, the shell completes files, as it would without a script.
  return shell === "bash" ? made.replace(/^complete -F /gm, "complete -o default -F ") : made
}
