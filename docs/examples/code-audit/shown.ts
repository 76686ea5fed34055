/**
 * The modules that a package shows to others in so many words: its commands, and those of `exports` or `main`.
 *
 * An audit enters the package at one of them. The others may use what this one does not reach, so the report names them.
 *
 * Boundary: pure over `Files`; paths are relative to the package's root.
 */
import * as Effect from "effect/Effect"
import { posix } from "node:path"
import { type Shown, sourcesOf } from "./exposure.ts"
import { literalNames, type Manifest, manifestTarget } from "./manifest.ts"
import type { Files } from "./resolve.ts"

/** Modules that are looked for. */
const shownMax = 200

/** The modules that others load as the entry is loaded: by `import`, or by `require` if the entry is there for that. */
export const shownModules = Effect.fnUntraced(function* (
  files: Files,
  root: string,
  manifest: Manifest,
  { built, entry }: Pick<Shown, "built"> & { readonly entry: string }
): Effect.fn.Return<ReadonlyArray<string>> {
  const byImport = yield* existing(files, root, targets(manifest, "import", entry), { built, entry })
  if (byImport.includes(entry)) return byImport
  const byRequire = yield* existing(files, root, targets(manifest, "require", entry), { built, entry })
  return byRequire.includes(entry) ? byRequire : byImport
})

const targets = (manifest: Manifest, condition: "import" | "require", entry: string): ReadonlyArray<string> => {
  const { commands, exports, main, module } = manifest
  const conditions = new Set(["node", "module", "default", condition])
  const named =
    exports === undefined
      ? // `module` and `main` are the same in two forms.
        [[main, module].find((path) => path !== undefined && posix.normalize(path) === entry) ?? main ?? module]
      : literalNames(exports).map((name) => manifestTarget(exports, name, conditions))
  return [...commands, ...named].filter((target) => target !== undefined).filter(isCode)
}

const isCode = (target: string): boolean =>
  /\.[cm]?[jt]sx?$/.test(target) ? !/\.d\.[cm]?ts$/.test(target) : posix.extname(target) === ""

const existing = Effect.fnUntraced(function* (
  files: Files,
  root: string,
  wanted: ReadonlyArray<string>,
  { built, entry }: Pick<Shown, "built"> & { readonly entry: string }
): Effect.fn.Return<ReadonlyArray<string>> {
  const found = new Set<string>()
  for (const target of [...new Set(wanted)].slice(0, shownMax)) {
    for (const path of sourcesOf(target, { built }, entry)) {
      if ((yield* files.kind(posix.join(root, path))) !== "file") continue
      const real = posix.relative(root, yield* files.realPath(posix.join(root, path)))
      if (!real.startsWith("../")) found.add(real)
      break
    }
  }
  return [...found].sort()
})
