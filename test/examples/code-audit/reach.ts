/**
 * The modules that an independent bundler (esbuild, with `platform: "node"`) and the audit reach from an entry.
 *
 * esbuild's metafile lists all files of a bundle; what counts here are those that can be reached from the entry without
 * leaving the package, found by walking the metafile, with the rule of ownership written a second time.
 */
import { build, type Metafile, type Plugin } from "esbuild"
import { existsSync, readFileSync, realpathSync } from "node:fs"
import { dirname, join, relative, resolve } from "node:path"
import { Link, Module } from "../../../docs/examples/code-audit/facts.ts"
import { crawledGraph } from "../../../docs/examples/code-audit/summary.ts"
import { runAudit } from "./support.ts"

/** Modules and imports, as paths relative to the package. */
export interface Reached {
  readonly modules: ReadonlyArray<string>
  readonly edges: ReadonlyArray<string>
}

const signs = new Set(["type", "main", "module", "browser", "types", "typings", "sideEffects", "imports", "exports"])

/** The directory of the package that a directory belongs to. */
export const ownerOf = (path: string): string => {
  const manifest = join(path, "package.json")
  const keys = existsSync(manifest) ? Object.keys(JSON.parse(readFileSync(manifest, "utf8"))) : []
  return keys.some((key) => !signs.has(key)) || dirname(path) === path ? path : ownerOf(dirname(path))
}

export interface EsbuildOptions {
  readonly deep: boolean
  /** Leave other packages and imports that lead nowhere aside, as a shallow audit does. */
  readonly own?: boolean
}

const isCode = (path: string): boolean => /(^|\/)[^./]+$|\.([cm]?[jt]sx?|json)$/.test(path)

/** Takes out of a build what no shallow audit enters, so that it cannot fail there. */
const ownFilesOnly = (home: string): Plugin => ({
  name: "own-files-only",
  setup: ({ onLoad, onResolve, resolve: follow }) => {
    onResolve({ filter: /./ }, async ({ path, kind, importer, resolveDir, pluginData }) => {
      if (pluginData === ownFilesOnly || kind === "entry-point") return undefined
      const found = await follow(path, { kind, importer, resolveDir, pluginData: ownFilesOnly })
      const isOwn = found.errors.length === 0 && !found.external && ownerOf(dirname(found.path)) === home
      return isOwn ? { ...found, suffix: "" } : { path, external: true }
    })
    onLoad({ filter: /\.[^./\\]+$/ }, ({ path }) => (isCode(path) ? undefined : { contents: "", loader: "empty" }))
  }
})

export const byEsbuild = async (entry: string, { deep, own = false }: EsbuildOptions): Promise<Reached> => {
  const home = ownerOf(dirname(entry))
  const { metafile } = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    metafile: true,
    platform: "node",
    format: "esm",
    packages: "bundle",
    outdir: "out",
    logLevel: "silent",
    ...(own ? { plugins: [ownFilesOnly(home)], loader: { "": "js", ".js": "jsx" } } : {})
  })
  const name = (path: string): string => relative(home, resolve(path)).replaceAll("\\", "/")
  const isCounted = (path: string): boolean => isCode(path) && (deep || ownerOf(dirname(resolve(path))) === home)
  const real = realpathSync(entry)
  const start = Object.keys(metafile.inputs).find((path) => resolve(path) === real) ?? entry
  const found = new Set<string>()
  const edges = new Set<string>()
  for (const waiting = [start]; waiting.length > 0;) {
    const path = waiting.pop() as string
    if (found.has(path)) continue
    found.add(path)
    const imports: Metafile["inputs"][string]["imports"] = metafile.inputs[path]?.imports ?? []
    for (const { external, path: to } of imports) {
      if (external === true || metafile.inputs[to] === undefined || !isCounted(to)) continue
      edges.add(`${name(path)} -> ${name(to)}`)
      waiting.push(to)
    }
  }
  return { modules: [...found].map(name).sort(), edges: [...edges].sort() }
}

/** The modules that the audit reaches, and the whole result of its job. */
export const byAudit = async (entry: string, deep: boolean) => {
  const result = await runAudit(entry, { deep })
  const modules = result.context.all(Module).map(({ value }) => value)
  const graph = crawledGraph(
    modules,
    result.context.all(Link).map(({ value }) => value)
  )
  const edges = [...graph].flatMap(([from, targets]) => targets.map((to) => `${from} -> ${to}`)).sort()
  const reached: Reached = { modules: modules.map(({ path }) => path).sort(), edges }
  return { reached, result }
}
