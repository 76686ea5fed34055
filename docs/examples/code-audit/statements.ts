/**
 * The statements of a module about other modules: the imports that it asks for and the names that it exports.
 *
 * Boundary: takes the statements of a tree and what bindings.ts knows of their names, returns values.
 */
import type { Statement } from "@babel/types"
import { keyName, type Node, patternNames, placeOf } from "./ast.ts"
import type { Bindings } from "./bindings.ts"
import { type Dialect, type Export, type Import, linkKey } from "./facts.ts"

// --------------------------------------------------------------------------------------------------------- imports

/** The binding of a local name. */
export interface Bound {
  readonly specifier: string
  /** The name in the other module; "*" for the namespace. */
  readonly imported: string
}

/** The names that import statements bind. */
export const boundImports = (statements: ReadonlyArray<Statement>): ReadonlyMap<string, Bound> => {
  const bound = new Map<string, Bound>()
  for (const statement of statements) {
    if (statement.type === "ImportDeclaration") {
      for (const specifier of statement.specifiers) {
        const imported =
          specifier.type === "ImportSpecifier"
            ? nameOf(specifier.imported)
            : specifier.type === "ImportDefaultSpecifier"
              ? "default"
              : "*"
        bound.set(specifier.local.name, { specifier: statement.source.value, imported })
      }
    } else if (statement.type === "TSImportEqualsDeclaration") {
      const specifier = requiredBy(statement)
      if (specifier !== undefined) bound.set(statement.id.name, { specifier, imported: "*" })
    }
  }
  return bound
}

const requiredBy = (statement: Extract<Statement, { type: "TSImportEqualsDeclaration" }>): string | undefined =>
  statement.moduleReference.type === "TSExternalModuleReference"
    ? statement.moduleReference.expression.value
    : undefined

const nameOf = (node: Node): string => (keyName({}, node) ?? "").toWellFormed()

const strength: ReadonlyArray<Import["how"]> = ["type", "url", "dynamic", "require", "reexport", "static"]
const elisions: ReadonlyArray<Import["elision"]> = ["type", "unused", "none"]

/** Two occurrences as one import. */
const merged = (known: Import, next: Omit<Import, "from">): Import => ({
  ...known,
  how: strength[Math.max(strength.indexOf(known.how), strength.indexOf(next.how))] ?? next.how,
  elision: elisions[Math.max(elisions.indexOf(known.elision), elisions.indexOf(next.elision))] ?? next.elision,
  names: [...new Set([...known.names, ...next.names])],
  ...(isBefore(next, known) ? { line: next.line, column: next.column } : {}),
  lazy: known.lazy && next.lazy,
  guarded: known.guarded && next.guarded
})

interface At {
  readonly line: number
  readonly column: number
}

const isBefore = (a: At, b: At): boolean => a.line < b.line || (a.line === b.line && a.column < b.column)

export interface ImportsInput {
  readonly from: string
  readonly text: string
  readonly statements: ReadonlyArray<Statement>
  readonly bindings: Bindings
  /** The imports that stay when types are stripped: all of JavaScript, those of TypeScript by the project's options. */
  readonly keeps: Dialect["keeps"] | "all"
}

/** All imports of a module, those of one specifier under one condition made one: the strongest of each field. */
export const importsOf = ({ from, text, statements, bindings, keeps }: ImportsInput): ReadonlyArray<Import> => {
  const found = new Map<string, Import>()
  const add = (of: Omit<Import, "from">): void => {
    const next = { ...of, specifier: of.specifier.toWellFormed() }
    const key = linkKey({ from, ...next })
    const known = found.get(key)
    found.set(key, known === undefined ? { from, ...next, names: [...new Set(next.names)] } : merged(known, next))
  }
  const isUsed = (local: string): boolean => keeps !== "used" || (bindings.uses.get(local)?.values ?? 0) > 0
  const taken = (local: string, imported: string): ReadonlyArray<string> => {
    const members = bindings.uses.get(local)?.members ?? new Set<string>()
    return imported !== "*" ? [imported] : members.has("*") ? ["*"] : [...members]
  }

  for (const statement of statements) {
    const place = placeOf(statement)
    if (statement.type === "ImportDeclaration") {
      const { specifiers } = statement
      const typed = statement.importKind === "type" || statement.importKind === "typeof"
      // `import "a"` is for its effects; `import {} from "a"` takes nothing and, in TypeScript, goes.
      const isBare =
        specifiers.length === 0 && !text.slice(statement.start ?? 0, statement.source.start ?? 0).includes("{")
      const survives =
        isBare ||
        keeps === "all" ||
        keeps === "statements" ||
        specifiers.some(
          (specifier) =>
            !(specifier.type === "ImportSpecifier" && specifier.importKind === "type") && isUsed(specifier.local.name)
        )
      add({
        specifier: statement.source.value,
        condition: "import",
        how: typed ? "type" : "static",
        elision: typed ? "type" : survives ? "none" : "unused",
        names: specifiers.flatMap((specifier) =>
          specifier.type === "ImportSpecifier"
            ? [nameOf(specifier.imported)]
            : taken(specifier.local.name, specifier.type === "ImportDefaultSpecifier" ? "default" : "*")
        ),
        ...place,
        lazy: false,
        guarded: false
      })
    } else if (
      statement.type === "ExportAllDeclaration" ||
      (statement.type === "ExportNamedDeclaration" && statement.source != null)
    ) {
      const typed = statement.exportKind === "type"
      add({
        specifier: statement.source?.value ?? "",
        condition: "import",
        how: typed ? "type" : "reexport",
        elision: typed ? "type" : "none",
        names: [],
        ...place,
        lazy: false,
        guarded: false
      })
    } else if (statement.type === "TSImportEqualsDeclaration") {
      const specifier = requiredBy(statement)
      if (specifier === undefined) continue
      const typed = statement.importKind === "type"
      add({
        specifier,
        condition: "require",
        how: typed ? "type" : "static",
        // TypeScript drops an unused one; bundlers, which see a call of require, do not.
        elision: typed ? "type" : "none",
        names: ["*"],
        ...place,
        lazy: false,
        guarded: false
      })
    }
  }
  for (const loaded of bindings.loaded) {
    const condition = loaded.how === "require" ? "require" : "import"
    add({ ...loaded, condition, elision: loaded.how === "type" ? "type" : "none" })
  }
  return [...found.values()]
}

// --------------------------------------------------------------------------------------------------------- exports

/** An export, and the module's own name for it. */
export type Exported = Omit<Export, "uses"> & {
  /** The module's own name for it, "" if it has none. */
  readonly local: string
}

/** The names of `import A = N.B`, which may keep an import although nothing else uses it. */
export const aliasNames = (statements: ReadonlyArray<Statement>): ReadonlyArray<string> =>
  statements.flatMap((statement) =>
    statement.type === "TSImportEqualsDeclaration" && requiredBy(statement) === undefined ? [statement.id.name] : []
  )

/** All exports of an ES module; a type gives way to a value of the same name. */
export const exportsOf = (
  path: string,
  statements: ReadonlyArray<Statement>,
  bound: ReadonlyMap<string, Bound>
): ReadonlyArray<Exported> => {
  const found = new Map<string, Exported>()
  const add = (name: string, at: Node, type: boolean, local: string, from = "", imported = ""): void => {
    const key = name === "*" ? `* from ${from}` : name
    const known = found.get(key)
    if (known === undefined || (known.type && !type)) {
      found.set(key, { path, name, from, imported, line: placeOf(at).line, type, local })
    }
  }
  for (const statement of statements) {
    switch (statement.type) {
      case "ExportAllDeclaration":
        add("*", statement, statement.exportKind === "type", "", statement.source.value, "*")
        break
      case "ExportDefaultDeclaration": {
        const { declaration } = statement
        const local = declaration.type === "Identifier" ? declaration.name : (declaredBy(declaration)[0] ?? "")
        add("default", statement, isTypeDeclaration(declaration), local)
        break
      }
      case "ExportNamedDeclaration": {
        const { declaration } = statement
        const typed = statement.exportKind === "type"
        if (declaration != null) {
          for (const name of declaredBy(declaration))
            add(name, statement, typed || isTypeDeclaration(declaration), name)
        }
        for (const specifier of statement.specifiers) {
          const name = nameOf(specifier.exported)
          if (specifier.type === "ExportNamespaceSpecifier") {
            add(name, statement, typed, "", statement.source?.value ?? "", "*")
          } else if (specifier.type === "ExportSpecifier") {
            const type = typed || specifier.exportKind === "type"
            const local = nameOf(specifier.local)
            const origin =
              statement.source == null ? bound.get(local) : { specifier: statement.source.value, imported: local }
            if (origin === undefined) add(name, specifier, type, local)
            else add(name, specifier, type, "", origin.specifier, origin.imported)
          }
        }
        break
      }
      case "TSImportEqualsDeclaration":
        if (statement.isExport) add(statement.id.name, statement, false, statement.id.name)
        break
      default:
    }
  }
  return [...found.values()]
}

const declaredBy = (declaration: Node): ReadonlyArray<string> => {
  if (declaration.type === "VariableDeclaration") {
    return declaration.declarations.flatMap((declarator) => patternNames(declarator.id))
  }
  return "id" in declaration ? patternNames(declaration.id) : []
}

const isTypeDeclaration = (declaration: Node): boolean =>
  declaration.type === "TSInterfaceDeclaration" ||
  declaration.type === "TSTypeAliasDeclaration" ||
  declaration.type === "TSDeclareFunction" ||
  ("declare" in declaration && declaration.declare === true)
