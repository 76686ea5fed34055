/** Programs that follow from a seed: definitions, evaluations and changes of spaces, in random order. */
import { type Random, randomOf } from "../../../src/values/random.ts"

const pick = <A>(random: Random, items: readonly [A, ...ReadonlyArray<A>]): A => items[random(items.length)] ?? items[0]

const names = ["f", "g", "h"] as const
const constants = ["a", "b", "1", "2", '"t"', "(s a)"] as const

const argument = (random: Random): string => pick(random, constants)

const call = (random: Random, depth: number): string => {
  if (depth === 0) return argument(random)
  switch (random(5)) {
    case 0:
      return `(${pick(random, names)} ${call(random, depth - 1)})`
    case 1:
      return `(${pick(random, names)} $x)`
    case 2:
      return `(pair ${call(random, depth - 1)} ${call(random, depth - 1)})`
    case 3:
      return `(+ ${random(9)} ${call(random, depth - 1)})`
    default:
      return argument(random)
  }
}

/** The space that most changes go to, and another that a program may have made. */
const space = (random: Random): string => pick(random, ["&self", "&self", "&other"])

const change = (random: Random): string => {
  const fact = `(p ${argument(random)} ${argument(random)})`
  switch (random(5)) {
    case 0:
      return `!(remove-atom ${space(random)} ${fact})`
    case 1:
      return `!(add-atom &self (= (${pick(random, names)} ${argument(random)}) ${call(random, 1)}))`
    case 2:
      return `!(add-reduct ${space(random)} (q ${call(random, 2)}))`
    case 3:
      // The operation that changes the space is data, which no rule tells of.
      return "!(match &self (command $do) $do)"
    default:
      return `!(add-atom ${space(random)} ${fact})`
  }
}

const evaluation = (random: Random): string => {
  switch (random(8)) {
    case 0:
      return `!(match ${space(random)} (p $x $y) (${pick(random, names)} $x))`
    case 1:
      return `!(match &self (, (p $x $y) (p $y $z)) ($x $z))`
    case 2:
      return `!(collapse ${call(random, 2)})`
    case 3:
      return `!(count ${pick(random, [3, 20, 900, 5_000])})`
    case 4:
      return "!(get-atoms &other)"
    case 5:
      return `!(case ${call(random, 2)} ((1 one) ((pair $a $b) $b) (Empty none)))`
    default:
      return `!${call(random, 3)}`
  }
}

const definition = (random: Random): string => {
  switch (random(6)) {
    case 0:
      return `(= (${pick(random, names)} $x) (pair $x ${argument(random)}))`
    case 1:
      return `(command (add-atom &self (p ${argument(random)} ${argument(random)})))`
    case 2:
      return `(p ${argument(random)} ${argument(random)})`
    case 3:
      return `(= (${pick(random, names)} (s $x)) (${pick(random, names)} $x))`
    case 4:
      return `(p $any ${argument(random)})`
    default:
      return `(= (${pick(random, names)} ${argument(random)}) ${call(random, 2)})`
  }
}

/** A program of some 5 to 30 statements. */
export const generated = (seed: number): string => {
  const random = randomOf(seed)
  const statements = [
    "(= (count $n) (if (== $n 0) 0 (+ 1 (count (- $n 1)))))",
    ...(random(2) === 0 ? ["!(bind! &other (new-space))"] : ["(p a b)"])
  ]
  const size = 5 + random(25)
  for (let i = 0; i < size; i++)
    statements.push(pick(random, [definition, evaluation, evaluation, evaluation, change])(random))
  return statements.join("\n")
}
