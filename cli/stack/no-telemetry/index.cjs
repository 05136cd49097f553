// Azurite loads this at every start and uses it only when it is to send telemetry, which the stack tells it not to. The real package is half
// of all files that an installation would hold, and takes more than a second to load (docs/decisions/0034).
const none = () => {
  throw new Error('Azurite is installed without its telemetry: start it with --disableTelemetry');
};

module.exports = { setup: none, start: none, TelemetryClient: none };
