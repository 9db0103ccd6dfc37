'use strict';

fetch('/health')
  .then((response) => response.json())
  .then(({ status }) => { document.getElementById('state').textContent = status; });
