/**
 * The public names of the package, as the compiler declares them.
 *
 * It starts from the `exports` of package.json and follows exports and re-exports by itself, so it knows no path inside of the
 * package. The declarations are emitted anew each time, into a temporary folder: they carry inferred types and docstrings, and
 * cannot be older than the sources, as `dist` can. Boundary: reads and parses; what is made of it is page.ts.
 */
import { parse } from "@babel/parser"
import type * as Babel from "@babel/types"
import { execFileSync } from "node:child_process"
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { createRequire } from "node:module"
import { tmpdir } from "node:os"
import { dirname, join, relative } from "node:path"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("../..", import.meta.url))

/** A declaration file. */
export interface Module {
  /** The source that it was emitted from, relative to the project's root. */
  readonly source: string
  /** The comment at the head of the source, without its marks; "" if there is none. */
  readonly header: string
  readonly text: string
  /**
   * The declarations at the top level, exported or not. A name has several for overloads, and for a type and a value of one name.
   */
  readonly declared: ReadonlyMap<string, ReadonlyArray<Declaration>>
  /** Where imported names come from, by their local name. `name` is undefined for a namespace. */
  readonly imported: ReadonlyMap<string, { readonly from: string; readonly name: string | undefined }>
  readonly body: ReadonlyArray<Babel.Statement>
  readonly path: string
}

/** One declaration, with the comment before it. */
export interface Declaration {
  readonly node: Babel.Declaration | Babel.VariableDeclarator
  readonly comment: string
}

/** The declarations of a public name. */
export type Exported =
  | { readonly type: "module"; readonly module: Module; readonly names: Names }
  | {
      readonly type: "declared"
      readonly module: Module
      readonly name: string
      readonly declarations: ReadonlyArray<Declaration>
      /** The members of a `declare namespace`. */
      readonly names: Names
    }

/** Names in the order in which the module exports them. */
export type Names = ReadonlyMap<string, Exported>

/** One of the specifiers under which the package may be imported. */
export interface Entry {
  readonly specifier: string
  readonly module: Module
  readonly names: Names
}

/** The text of a comment without its marks; "" for one that is no docstring. */
export const commentText = (comments: ReadonlyArray<Babel.Comment> | null | undefined): string => {
  const last = comments?.filter(({ type, value }) => type === "CommentBlock" && value.startsWith("*")).at(-1)
  return last === undefined ? "" : withoutMarks(last.value.slice(1))
}

const withoutMarks = (text: string): string =>
  text
    .split("\n")
    .map((line) => line.replace(/^\s*\* ?/, "").trimEnd())
    .join("\n")
    .trim()

/** The entries of the package. @throws Error with what the compiler says, if it does not emit. */
export const readEntries = (): ReadonlyArray<Entry> => {
  const folder = mkdtempSync(join(tmpdir(), "declarations-"))
  try {
    emit(folder)
    const modules = new Modules(folder)
    const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
      readonly name: string
      readonly exports: Readonly<Record<string, string | { readonly types: string }>>
    }
    return Object.entries(manifest.exports).flatMap(([subpath, target]) => {
      if (typeof target === "string") return []
      const module = modules.load(join(folder, relative("dist", target.types)))
      return [{ specifier: join(manifest.name, subpath), module, names: modules.exportsOf(module) }]
    })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const emit = (folder: string): void => {
  const compiler = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin/tsc")
  // Types are checked by npm run check; a declaration of what is explicit needs no check, and comes twice as fast.
  const options = [
    "--noCheck",
    "--emitDeclarationOnly",
    "--declarationMap",
    "false",
    "--sourceMap",
    "false",
    "--outDir",
    folder
  ]
  try {
    execFileSync(process.execPath, [compiler, "-p", join(root, ".ci/tsconfig.build.json"), ...options], {
      stdio: ["ignore", "pipe", "inherit"],
      encoding: "utf8"
    })
  } catch (error) {
    throw new Error(`the sources do not compile:\n${(error as { readonly stdout?: string }).stdout ?? ""}`, {
      cause: error
    })
  }
}

class Modules {
  readonly #folder: string
  readonly #loaded = new Map<string, Module>()
  readonly #exports = new Map<Module, Map<string, Exported>>()

  constructor(folder: string) {
    this.#folder = folder
  }

  load(path: string): Module {
    const loaded = this.#loaded.get(path)
    if (loaded !== undefined) return loaded
    const text = readFileSync(path, "utf8")
    const { body } = parse(text, { sourceType: "module", plugins: [["typescript", { dts: true }]] }).program
    const source = relative(this.#folder, path).replace(/\.d\.ts$/, ".ts")
    const declared = new Map<string, Array<Declaration>>()
    const imported = new Map<string, { from: string; name: string | undefined }>()
    for (const statement of body) {
      for (const [name, declaration] of declarationsOf(statement)) {
        declared.set(name, [...(declared.get(name) ?? []), declaration])
      }
      if (statement.type === "ImportDeclaration") {
        for (const specifier of statement.specifiers) {
          imported.set(specifier.local.name, { from: statement.source.value, name: importedName(specifier) })
        }
      }
    }
    const module = { source, header: headerOf(join(root, source)), text, declared, imported, body, path }
    this.#loaded.set(path, module)
    return module
  }

  exportsOf(module: Module): Names {
    const known = this.#exports.get(module)
    if (known !== undefined) return known
    const names = new Map<string, Exported>()
    this.#exports.set(module, names)
    for (const statement of module.body) {
      if (statement.type === "ExportAllDeclaration") {
        const from = this.exportsOf(this.#follow(module, statement.source.value))
        for (const [name, exported] of from) if (name !== "default") names.set(name, exported)
      }
      if (statement.type !== "ExportNamedDeclaration") continue
      for (const [name] of declarationsOf(statement)) names.set(name, this.#local(module, name))
      for (const specifier of statement.specifiers) {
        const name = nameOf(specifier.exported)
        names.set(name, this.#specified(module, statement.source?.value, specifier))
      }
    }
    return names
  }

  #specified(
    module: Module,
    from: string | undefined,
    specifier: Babel.ExportNamedDeclaration["specifiers"][number]
  ): Exported {
    if (specifier.type === "ExportSpecifier") {
      const name = nameOf(specifier.local)
      const exported = from === undefined ? this.#local(module, name) : this.#exported(this.#follow(module, from), name)
      // Readers know it by the name under which it is exported.
      return exported.type === "declared" ? { ...exported, name: nameOf(specifier.exported) } : exported
    }
    if (from === undefined) throw new Error(`${module.source}: an export that this does not know`)
    const target = this.#follow(module, from)
    return { type: "module", module: target, names: this.exportsOf(target) }
  }

  /** The meaning of a name in its own module: a declaration, or an import. */
  #local(module: Module, name: string): Exported {
    const declarations = module.declared.get(name)
    if (declarations !== undefined) {
      return { type: "declared", module, name, declarations, names: membersOf(module, declarations) }
    }
    const imported = module.imported.get(name)
    if (imported === undefined) throw new Error(`${module.source} exports ${name}, which it does not declare`)
    const target = this.#follow(module, imported.from)
    return imported.name === undefined
      ? { type: "module", module: target, names: this.exportsOf(target) }
      : this.#exported(target, imported.name)
  }

  #exported(module: Module, name: string): Exported {
    const exported = this.exportsOf(module).get(name)
    if (exported === undefined) throw new Error(`${module.source} does not export ${name}`)
    return exported
  }

  #follow(module: Module, specifier: string): Module {
    if (!specifier.startsWith(".")) throw new Error(`${module.source} exports what is another package's: ${specifier}`)
    return this.load(join(dirname(module.path), specifier.replace(/\.[jt]s$/, ".d.ts")))
  }
}

const headerOf = (source: string): string => {
  if (!existsSync(source)) return ""
  const header = /^\s*\/\*\*([\s\S]*?)\*\//.exec(readFileSync(source, "utf8"))?.[1]
  return header === undefined ? "" : withoutMarks(header)
}

const nameOf = (node: Babel.Identifier | Babel.StringLiteral): string =>
  node.type === "Identifier" ? node.name : node.value

const importedName = (specifier: Babel.ImportDeclaration["specifiers"][number]): string | undefined => {
  if (specifier.type === "ImportNamespaceSpecifier") return undefined
  return specifier.type === "ImportDefaultSpecifier" ? "default" : nameOf(specifier.imported)
}

/** The declarations of a statement, by name. */
const declarationsOf = (statement: Babel.Statement): ReadonlyArray<readonly [string, Declaration]> => {
  const node = statement.type === "ExportNamedDeclaration" ? statement.declaration : statement
  if (node == null) return []
  const comment = commentText(statement.leadingComments)
  switch (node.type) {
    case "VariableDeclaration":
      return node.declarations.flatMap((declarator) =>
        declarator.id.type === "Identifier" ? [[declarator.id.name, { node: declarator, comment }] as const] : []
      )
    case "TSDeclareFunction":
    case "ClassDeclaration":
    case "TSInterfaceDeclaration":
    case "TSTypeAliasDeclaration":
    case "TSEnumDeclaration":
    case "TSModuleDeclaration":
      return node.id == null ? [] : [[nameOf(node.id), { node, comment }]]
    default:
      return []
  }
}

/** The declarations inside of namespaces. Everything in a `declare namespace` is exported. */
const membersOf = (module: Module, declarations: ReadonlyArray<Declaration>): Names => {
  const members = new Map<string, Exported>()
  for (const { node } of declarations) {
    if (node.type !== "TSModuleDeclaration" || node.body.type !== "TSModuleBlock") continue
    for (const [name, declaration] of node.body.body.flatMap(declarationsOf)) {
      const known = members.get(name)
      const before = known?.type === "declared" ? known.declarations : []
      const all = [...before, declaration]
      members.set(name, { type: "declared", module, name, declarations: all, names: membersOf(module, all) })
    }
  }
  return members
}
