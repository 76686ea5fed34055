/**
 * The names that each scope of a tree declares. Functions, blocks, classes and the program are scopes.
 *
 * Boundary: takes a tree, returns values; what a name refers to is asked with the ancestors of the place where it stands.
 */
import { isFunction, type Node, patternNames, type Tree, walk } from "./ast.ts"

/** For each scope that declares something, the names. */
export type Scopes = ReadonlyMap<Node, ReadonlySet<string>>

const blocks = new Set([
  "Program",
  "BlockStatement",
  "ForStatement",
  "ForInStatement",
  "ForOfStatement",
  "SwitchStatement",
  "StaticBlock",
  "TSModuleBlock"
])

const isBlock = (node: Node): boolean => blocks.has(node.type)

const holdsVars = (node: Node): boolean =>
  isFunction(node) || node.type === "Program" || node.type === "StaticBlock" || node.type === "TSModuleBlock"

export const scopesOf = (tree: Tree): Scopes => {
  const scopes = new Map<Node, Set<string>>()
  const declare = (scope: Node | undefined, names: ReadonlyArray<string>): void => {
    if (scope === undefined || names.length === 0) return
    const declared = scopes.get(scope)
    if (declared === undefined) scopes.set(scope, new Set(names))
    else for (const name of names) declared.add(name)
  }
  walk(tree, {
    enter: (node, ancestors) => {
      if (isFunction(node)) {
        declare(node, node.params.flatMap(patternNames))
        if (node.type === "FunctionExpression") declare(node, patternNames(node.id))
      }
      switch (node.type) {
        case "VariableDeclaration":
          declare(
            ancestors.findLast(node.kind === "var" ? holdsVars : isBlock),
            node.declarations.flatMap((declarator) => patternNames(declarator.id))
          )
          break
        case "FunctionDeclaration":
        case "ClassDeclaration":
        case "TSEnumDeclaration":
        case "TSModuleDeclaration":
        case "TSImportEqualsDeclaration":
          declare(ancestors.findLast(isBlock), patternNames(node.id))
          break
        case "ClassExpression":
          declare(node, patternNames(node.id))
          break
        case "CatchClause":
          declare(node, patternNames(node.param))
          break
        case "ImportDeclaration":
          declare(
            ancestors[0],
            node.specifiers.map((specifier) => specifier.local.name)
          )
          break
        default:
      }
    }
  })
  return scopes
}

/** The innermost scope around a place that declares a name. */
export const declaringScope = (scopes: Scopes, name: string, ancestors: ReadonlyArray<Node>): Node | undefined =>
  ancestors.findLast((scope) => scopes.get(scope)?.has(name) === true)
