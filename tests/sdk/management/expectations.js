// What tests of the ManagementClient look for.
import assert from 'node:assert/strict';

/** One member of every item of a list, page by page as the SDK turns them. */
export async function all(page, member) {
  const found = [];
  for await (const item of page) found.push(member ? item[member] : item);
  return found;
}

/** The SDK's class of error for a status, with the API's own fields in its body. */
export const refused = (type, statusCode, errorCode) => (error) => {
  assert.ok(error instanceof type, error);
  assert.deepEqual([error.statusCode, error.body.statusCode], [statusCode, statusCode]);
  assert.ok(error.body.error && error.body.message, JSON.stringify(error.body));
  if (errorCode) assert.equal(error.body.errorCode, errorCode);
  return true;
};

/** The named members of an object. */
export const pick = (object, ...names) => Object.fromEntries(names.map((name) => [name, object[name]]));
