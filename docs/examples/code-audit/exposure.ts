/**
 * The files that a package shows to others: those that `exports`, `main`, `module`, `browser`, `types` and `bin` name, and
 * the sources of those, where package.json names what a compiler makes of them.
 *
 * A source is told from where tsconfig.json says that the compiler writes; else by convention: `src/a/b.ts` is the source of
 * `dist/a/b.js` for every directory that package.json names a file in.
 *
 * Boundary: pure; paths are relative to the package's root.
 */
import { posix } from "node:path"
import { isExposed, targetsOf } from "./manifest.ts"

export interface Shown {
  /** The field of that name, parsed; undefined if there is none. */
  readonly exports: unknown
  /** The files that the other fields name; the extension may be left out, and "/index". */
  readonly entries: ReadonlyArray<string>
  /** Directories of sources, with the directories that the compiler writes them to. */
  readonly built: ReadonlyArray<{ readonly from: string; readonly to: string }>
}

/** Tells whether a package shows a file. */
export const makeExposure = ({ exports, entries, built }: Shown): ((path: string) => boolean) => {
  const targets = targetsOf(exports).map((target) => posix.normalize(target))
  const patterns = targets.some((target) => target.includes("*"))
  const literal = new Set(targets.map(stem))
  const named = new Set(entries.map((entry) => stem(posix.normalize(entry))))
  const shown = [...targets, ...entries.map((entry) => posix.normalize(entry))]
  const outputs = [...new Set(shown.flatMap(outputDirectories))]
  const tops = new Set(shown.filter((target) => target.includes("/")).map(top))

  const isOpen = (path: string): boolean => {
    const bare = stem(path)
    if (named.has(bare) || named.has(bare.replace(/\/?index$/, ""))) return true
    if (!patterns && !literal.has(bare)) return false
    return [path, ...extensions.map((extension) => bare + extension)].some((candidate) => isExposed(exports, candidate))
  }
  return (path) =>
    isOpen(path) ||
    built.some(({ from, to }) => isUnder(from, path) && isOpen(posix.join(to, posix.relative(from, path)))) ||
    // A file of an output directory is no source of another one.
    (mayBeSource(path, tops) && outputs.some((output) => isOpen(posix.join(output, tail(path)))))
}

/**
 * The paths at which the source of a file that package.json names may lie, likeliest first: the file itself and those that a
 * compiler makes it of. Those beside the entry go first, so that sources are found where the entry is one.
 */
export const sourcesOf = (target: string, { built }: Pick<Shown, "built">, entry: string): ReadonlyArray<string> => {
  const path = posix.normalize(target)
  const bare = stem(path)
  const made = [
    ...built.filter(({ to }) => isUnder(to, bare)).map(({ from, to }) => posix.join(from, posix.relative(to, bare))),
    ...outputDirectories(path).flatMap((output) =>
      sourceDirectories.map((directory) => posix.join(directory, posix.relative(output, bare)))
    )
  ]
  const stems = [...new Set([bare, ...made])]
  const ordered = [...stems.filter((found) => top(found) === top(entry)), ...stems].filter(
    (found, index, all) => all.indexOf(found) === index
  )
  return ordered.flatMap((found) => [
    ...(found === bare ? [path] : []),
    ...[found, posix.join(found, "index")].flatMap((base) => codeExtensions.map((extension) => base + extension))
  ])
}

const sourceDirectories = ["src", "source", "sources", "ts", "lib", "."]

const codeExtensions = [".ts", ".tsx", ".mts", ".cts", ".js", ".jsx", ".mjs", ".cjs"]

const extensions = [".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".cts", ".tsx", ".d.ts", ".d.mts", ".d.cts", ".json"]

const stem = (path: string): string => path.replace(/(\.d)?\.([cm]?[jt]sx?|json)$/, "")

const isUnder = (directory: string, path: string): boolean => directory === "." || path.startsWith(`${directory}/`)

const top = (path: string): string => path.split("/")[0] ?? ""

/** The directories that a target's package may be compiled to: its first one, and those below that tell formats apart. */
const outputDirectories = (target: string): ReadonlyArray<string> => {
  const parts = (target.split("*")[0] ?? "").split("/").slice(0, -1)
  const end = parts.findIndex((part, index) => index > 0 && !formats.test(part))
  const leading = end === -1 ? parts : parts.slice(0, end)
  return leading.map((_, index) => leading.slice(0, index + 1).join("/"))
}

const formats =
  /^_?(esm?|cjs|umd|iife|mjs|commonjs|modules?|types|typings|node|browser|src|lib|dist|source|es\d+|esm\d+)$/

const sources = /^(src|source|sources|ts)\//

/** A path as it continues in an output directory: without the directory of sources. */
const tail = (path: string): string => path.replace(sources, "").replace(/^lib\//, "")

const mayBeSource = (path: string, tops: ReadonlySet<string>): boolean => sources.test(path) || !tops.has(top(path))
