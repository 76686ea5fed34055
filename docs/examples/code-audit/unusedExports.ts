/**
 * The exports that nobody needs: not part of what the package shows, not imported by any of its modules.
 *
 * Demand starts at the exports of public modules and at what modules import for themselves, and follows re-exports to where a
 * value is made. So a name that only a barrel passes on, and nobody takes from the barrel, is unused in both.
 *
 * Modules of other packages (of a deep crawl) are left out: nobody uses all of a package. So are types (a module that is
 * imported for its types only is not crawled, so their users are not all known), and CommonJS modules, whose exports are
 * objects. Boundary: pure.
 */
import { type Export, type Import, type Link, linkKey, type UnusedExport } from "./facts.ts"
import { identity } from "./identity.ts"

export interface ExportUse {
  /** Whether others can import a module: the entry, and what the package.json exposes. */
  readonly isPublic: (path: string) => boolean
  readonly exports: ReadonlyArray<Export>
  readonly imports: ReadonlyArray<Import>
  readonly links: ReadonlyArray<Link>
}

/** The unused exports, sorted by module and place. */
export const findUnusedExports = ({ isPublic, exports, imports, links }: ExportUse): ReadonlyArray<UnusedExport> => {
  const byModule = new Map<string, { readonly named: Map<string, Export>; readonly stars: Array<Export> }>()
  for (const found of exports) {
    const own = byModule.get(found.path) ?? { named: new Map<string, Export>(), stars: [] }
    byModule.set(found.path, own)
    if (found.name === "*") own.stars.push(found)
    else if (!own.named.has(found.name)) own.named.set(found.name, found)
  }
  const targets = new Map<string, string>()
  const foreign = new Set(links.filter((link) => link.kind === "outside").map((link) => link.to))
  for (const link of links) {
    if (link.kind === "internal" || link.kind === "outside") {
      targets.set(linkKey(link), link.to)
    }
  }
  const demanded = new Set<string>()
  const waiting: Array<{ readonly path: string; readonly name: string }> = []
  const demand = (path: string | undefined, name: string): void => {
    if (path === undefined || demanded.has(identity(path, name))) return
    demanded.add(identity(path, name))
    waiting.push({ path, name })
  }

  for (const path of byModule.keys()) if (isPublic(path)) demand(path, "*")
  for (const self of imports) {
    const target = targets.get(linkKey(self))
    for (const name of self.names) demand(target, name)
  }
  while (waiting.length > 0) {
    const { path, name } = waiting.pop() as { readonly path: string; readonly name: string }
    const own = byModule.get(path)
    if (own === undefined) continue
    const passOn = (found: Export, imported: string): void =>
      demand(targets.get(linkKey({ from: path, condition: "import", specifier: found.from })), imported)
    const named = own.named.get(name)
    if (name === "*") {
      for (const exported of own.named.keys()) demand(path, exported)
      for (const star of own.stars) passOn(star, "*")
    } else if (named === undefined) for (const star of own.stars) passOn(star, name)
    else if (named.from !== "") passOn(named, named.imported)
  }

  return exports
    .filter(
      (found) =>
        found.name !== "*" && !found.type && !foreign.has(found.path) && !demanded.has(identity(found.path, found.name))
    )
    .map(({ path, name, line, uses }) => ({ path, name, line, uses }))
    .sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : a.line - b.line || (a.name < b.name ? -1 : 1)))
}
