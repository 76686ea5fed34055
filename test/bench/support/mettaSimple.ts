/** A recursive evaluator of the same rules: match, substitute, evaluate. It is what one writes first. */
import { type Atom, expressionKind, numberKind, truthKind, variableKind } from "../../../docs/examples/metta/atoms.ts"
import { parseAtom, parseAtoms } from "../../../docs/examples/metta/parse.ts"
import { print } from "../../../docs/examples/metta/print.ts"

/** An expression as an array, a symbol or variable as a text, a number and a truth value as they are. */
type Plain = string | number | boolean | ReadonlyArray<Plain>

const plain = (atom: Atom): Plain =>
  atom.kind === expressionKind
    ? atom.items.map(plain)
    : atom.kind === numberKind || atom.kind === truthKind
      ? atom.value
      : atom.kind === variableKind
        ? `$${atom.name}`
        : print(atom)

const isList = (atom: Plain): atom is ReadonlyArray<Plain> => Array.isArray(atom)

const isVariable = (atom: Plain): atom is string => typeof atom === "string" && atom.startsWith("$")

const matches = (pattern: Plain, atom: Plain, bound: Map<string, Plain>): boolean => {
  if (isVariable(pattern)) {
    const known = bound.get(pattern)
    if (known !== undefined) return known === atom
    bound.set(pattern, atom)
    return true
  }
  if (!isList(pattern)) return pattern === atom
  return (
    isList(atom) && atom.length === pattern.length && pattern.every((part, i) => matches(part, atom[i] ?? "", bound))
  )
}

const substitute = (atom: Plain, bound: Map<string, Plain>): Plain =>
  isVariable(atom) ? (bound.get(atom) ?? atom) : isList(atom) ? atom.map((part) => substitute(part, bound)) : atom

const operations: Readonly<Record<string, (a: number, b: number) => Plain>> = {
  "+": (a, b) => a + b,
  "-": (a, b) => a - b,
  "*": (a, b) => a * b,
  "<": (a, b) => a < b,
  "==": (a, b) => a === b
}

/** Evaluates texts by the rules of a text. */
export const simpleEvaluator = (text: string): ((text: string) => ReadonlyArray<string>) => {
  const rules = parseAtoms(text).flatMap(({ atom }) => {
    const rule = plain(atom)
    return isList(rule) ? [[rule[1] ?? "", rule[2] ?? ""] as const] : []
  })
  const evaluate = (atom: Plain): ReadonlyArray<Plain> => {
    if (!isList(atom)) return [atom]
    const [head, first, second, third] = atom
    if (head === "if") return evaluate(first ?? "").flatMap((is) => evaluate((is === true ? second : third) ?? ""))
    let calls: ReadonlyArray<ReadonlyArray<Plain>> = [[]]
    for (const part of atom) {
      const values = evaluate(part)
      calls = calls.flatMap((call) => values.map((value) => [...call, value]))
    }
    return calls.flatMap((call) => {
      const operation = typeof call[0] === "string" ? operations[call[0]] : undefined
      if (operation !== undefined) return [operation(Number(call[1]), Number(call[2]))]
      const results: Array<Plain> = []
      let isRuled = false
      for (const [left, right] of rules) {
        const bound = new Map<string, Plain>()
        if (!matches(left, call, bound)) continue
        isRuled = true
        results.push(...evaluate(substitute(right, bound)))
      }
      return isRuled ? results : [call]
    })
  }
  return (of) => evaluate(plain(parseAtom(of))).map(String)
}
