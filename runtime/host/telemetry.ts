import { createHash } from 'node:crypto';
import { describeThrown } from '../../contracts/failure';
import type { InvocationObserver, InvocationRecord } from './invocations';
import type { Log } from './log';

/** Where the host's invocations go besides its log; `stop` sends what has gathered. */
export type Telemetry = { readonly observe: InvocationObserver; readonly stop: () => Promise<void> };

/** Numbers that are read whenever metrics are sent. */
export type Gauges = () => { readonly turns: number; readonly activities: number; readonly activitiesWaiting: number };

const packages =
  '@opentelemetry/api @opentelemetry/resources @opentelemetry/sdk-trace @opentelemetry/sdk-metrics @opentelemetry/exporter-trace-otlp-http @opentelemetry/exporter-metrics-otlp-http';
const stopMsMax = 3000;
const metricsEveryMsDefault = 60_000;

/**
 * Traces and metrics by OpenTelemetry's own exporters (OTLP over HTTP), when OTEL_EXPORTER_OTLP_ENDPOINT or one of its kind is set;
 * undefined otherwise. The exporters read their OTEL_ settings themselves, from this process's environment. Where their packages are
 * not installed, that is logged and the host runs without.
 */
export async function startTelemetry(
  environment: Readonly<Record<string, string | undefined>>,
  gauges: Gauges,
  log: Log,
): Promise<Telemetry | undefined> {
  const isWanted = ['', 'TRACES_', 'METRICS_'].some(
    (signal) => (environment[`OTEL_EXPORTER_OTLP_${signal}ENDPOINT`] ?? '') !== '',
  );
  if (!isWanted || environment['OTEL_SDK_DISABLED']?.toLowerCase() === 'true') return undefined;
  try {
    return await exportingTelemetry(environment, gauges);
  } catch (thrown) {
    log.warn(
      `OpenTelemetry is configured and does not run: ${describeThrown(thrown)} Install: npm install ${packages}`,
    );
    return undefined;
  }
}

async function exportingTelemetry(
  environment: Readonly<Record<string, string | undefined>>,
  gauges: Gauges,
): Promise<Telemetry> {
  // Loaded only when they are wanted: they take memory and time that a start without them should not cost.
  const [{ resourceFromAttributes }, trace, metrics, { OTLPTraceExporter }, { OTLPMetricExporter }] = await Promise.all(
    [
      import('@opentelemetry/resources'),
      import('@opentelemetry/sdk-trace'),
      import('@opentelemetry/sdk-metrics'),
      import('@opentelemetry/exporter-trace-otlp-http'),
      import('@opentelemetry/exporter-metrics-otlp-http'),
    ],
  );
  const api = await import('@opentelemetry/api');
  const resource = resourceFromAttributes({ 'service.name': environment['OTEL_SERVICE_NAME'] ?? 'hyperferry' });
  const processor = new trace.BatchSpanProcessor({ exporter: new OTLPTraceExporter() });
  const tracerProvider = new trace.TracerProvider({ resource, spanProcessors: [processor] });
  const reader = new metrics.PeriodicExportingMetricReader({
    exporter: new OTLPMetricExporter(),
    exportIntervalMillis: Number(environment['OTEL_METRIC_EXPORT_INTERVAL'] ?? metricsEveryMsDefault),
  });
  const meterProvider = new metrics.MeterProvider({ resource, readers: [reader] });
  const tracer = tracerProvider.getTracer('hyperferry.runtime');
  const meter = meterProvider.getMeter('hyperferry.runtime');
  const count = meter.createCounter('hyperferry.invocations', { description: 'Ended invocations of functions' });
  const duration = meter.createHistogram('hyperferry.invocation.duration', { unit: 'ms' });
  for (const name of ['turns', 'activities', 'activitiesWaiting'] as const) {
    meter.createObservableGauge(`hyperferry.${name}`).addCallback((result) => result.observe(gauges()[name]));
  }
  return {
    observe: (record) => {
      const { kind, functionName, outcome } = record;
      const labels = { 'faas.name': functionName, 'hyperferry.kind': kind, 'hyperferry.outcome': outcome };
      count.add(1, labels);
      duration.record(record.durationMs, labels);
      const parent = parentOf(record);
      const context = parent === undefined ? api.ROOT_CONTEXT : api.trace.setSpanContext(api.ROOT_CONTEXT, parent);
      const options = { startTime: record.startedAtMs, attributes: attributesOf(record) };
      const span = tracer.startSpan(`${kind} ${functionName}`, options, context);
      if (outcome !== 'succeeded') {
        span.setStatus({ code: api.SpanStatusCode.ERROR, message: record.reason ?? outcome });
      }
      span.end(record.startedAtMs + record.durationMs);
    },
    stop: () => withinTime(Promise.allSettled([tracerProvider.shutdown(), meterProvider.shutdown()])),
  };
}

/** The names that the Durable extension gives its spans (its distributed tracing V2), and those of functions in OpenTelemetry. */
function attributesOf(record: InvocationRecord): Record<string, string> {
  const { functionName, kind, instanceId, invocationId, outcome } = record;
  return {
    'faas.name': functionName,
    'hyperferry.outcome': outcome,
    ...(invocationId === null ? {} : { 'faas.invocation_id': invocationId }),
    ...(instanceId === null
      ? {}
      : {
          'durabletask.type': kind === 'orchestrator' ? 'orchestration' : kind,
          'durabletask.task.name': functionName,
          'durabletask.task.instance_id': instanceId,
        }),
  };
}

const sampled = 1;

/** All spans of an instance are of one trace, whichever process makes them: its ids come from the instance's. */
function parentOf({ instanceId }: InvocationRecord) {
  if (instanceId === null) return undefined;
  const digest = createHash('sha256').update(instanceId).digest('hex');
  return { traceId: digest.slice(0, 32), spanId: digest.slice(32, 48), traceFlags: sampled, isRemote: true };
}

/** A collector that does not answer must not keep the host from its end. */
async function withinTime(work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, stopMsMax);
  });
  await Promise.race([work, late]);
  clearTimeout(timer);
}
