/** The few assertions the tests need, over node:assert, with messages that show both sides. */
import nodeAssert from "node:assert/strict";

export function assert(condition: unknown, message = "Expected a truthy value"): asserts condition {
  nodeAssert.ok(condition, message);
}

export function assertEquals<T>(actual: T, expected: T, message?: string): void {
  nodeAssert.deepStrictEqual(actual, expected, message);
}

type ErrorClass<E extends Error> = abstract new (...args: never[]) => E;

/** Answers the error, so that its fields can be asserted too. */
export function assertThrows<E extends Error>(
  action: () => unknown,
  errorClass: ErrorClass<E>,
  messagePart = "",
): E {
  try {
    action();
  } catch (error) {
    return checkError(error, errorClass, messagePart);
  }
  throw new nodeAssert.AssertionError({ message: `Expected ${errorClass.name}, nothing was thrown` });
}

export async function assertRejects<E extends Error>(
  action: () => Promise<unknown>,
  errorClass: ErrorClass<E>,
  messagePart = "",
): Promise<E> {
  try {
    await action();
  } catch (error) {
    return checkError(error, errorClass, messagePart);
  }
  throw new nodeAssert.AssertionError({ message: `Expected ${errorClass.name}, nothing was thrown` });
}

function checkError<E extends Error>(error: unknown, errorClass: ErrorClass<E>, messagePart: string): E {
  if (!(error instanceof errorClass)) throw error;
  assert(error.message.includes(messagePart), `Expected "${messagePart}" within "${error.message}"`);
  return error;
}
