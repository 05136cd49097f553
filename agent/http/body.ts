import { describeThrown, failed, failureOf, succeeded, type Outcome } from '../../contracts/failure';
import type { OperationId } from '../../contracts/ids';
import { inspectionRequest, type InspectionRequest } from '../../contracts/inspection';
import { controlMessageBytesMax } from '../../contracts/limits';
import { operationRequest, stagingAccess, type StagingAccess } from '../../contracts/operations';
import { invalidRequest } from '../invalid';
import { parseTask, type Operation } from '../operations/task';

function parseJson(body: Uint8Array): Outcome<unknown> {
  if (body.length > controlMessageBytesMax)
    return failed(
      failureOf('BodyTooLarge', {
        message: `the body has ${body.length} bytes, at most ${controlMessageBytesMax} are taken`,
      }),
    );
  try {
    return succeeded(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body)));
  } catch (thrown) {
    return failed(failureOf('BodyNotJson', { message: `the body is not JSON: ${describeThrown(thrown)}` }));
  }
}

/** The body of `PUT /v1/operations/{operationId}`, its input checked by the schema of its kind. */
export function parseOperation(operationId: OperationId, body: Uint8Array): Outcome<Operation> {
  const json = parseJson(body);
  if (!json.ok) return json;
  const request = operationRequest.safeParse(json.value);
  if (!request.success) return failed(invalidRequest(request.error, json.value));
  const { runId, epoch, kind, input } = request.data;
  const task = parseTask(kind, input);
  return task.ok ? succeeded({ operationId, runId, epoch, task: task.value }) : task;
}

/** The body of `POST /v1/inspections`. */
export function parseInspection(body: Uint8Array): Outcome<InspectionRequest> {
  const json = parseJson(body);
  if (!json.ok) return json;
  const request = inspectionRequest.safeParse(json.value);
  return request.success ? succeeded(request.data) : failed(invalidRequest(request.error, json.value));
}

/** The body of `POST /v1/operations/{operationId}/staging-access`. */
export function parseAccess(body: Uint8Array): Outcome<StagingAccess> {
  const json = parseJson(body);
  if (!json.ok) return json;
  const access = stagingAccess.safeParse(json.value);
  // What was sent is a secret in part, and not shown.
  return access.success ? succeeded(access.data) : failed(invalidRequest(access.error, {}));
}
