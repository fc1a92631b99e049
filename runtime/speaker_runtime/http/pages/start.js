// Shows the API reference, and in it the code samples of the operations (x-codeSamples), which
// Swagger UI does not show by itself.
"use strict";

const SHOWN_ADDRESS = "http://127.0.0.1:8080";

function CodeSamples(React, samples) {
  const address = window.location.origin;
  const sections = samples.map((sample) =>
    React.createElement(
      "details",
      { key: sample.label, className: "code-sample", style: { margin: "0 20px 8px" } },
      React.createElement("summary", { style: { cursor: "pointer" } }, sample.label),
      React.createElement(
        "pre",
        { className: "microlight", style: { overflow: "auto" } },
        sample.source.replaceAll(SHOWN_ADDRESS, address),
      ),
    ),
  );
  const title = React.createElement("h4", { className: "opblock-title" }, "Code samples");
  const header = React.createElement("div", { className: "opblock-section-header" }, title);
  return React.createElement("div", { className: "opblock-section" }, header, ...sections);
}

function codeSamplesPlugin(system) {
  const React = system.React;
  return {
    wrapComponents: {
      responses: (Responses) => (props) => {
        const paths = system.getSystem().specSelectors.specJson().get("paths");
        const samples = paths.getIn([props.path, props.method, "x-codeSamples"]);
        const responses = React.createElement(Responses, props);
        if (!samples) return responses;
        return React.createElement("div", null, CodeSamples(React, samples.toJS()), responses);
      },
    },
  };
}

window.ui = SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  plugins: [codeSamplesPlugin],
});
