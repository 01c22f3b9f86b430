// The only script of our pages; each works without it. It shows the typed password and copies a reference code.
for (const field of document.querySelectorAll('input[data-show]')) {
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'btn btn-text';
  button.setAttribute('aria-controls', field.id);
  const paint = () => {
    const hidden = field.type === 'password';
    button.textContent = hidden ? field.dataset.show : field.dataset.hide;
    button.setAttribute('aria-pressed', String(!hidden));
  };
  button.addEventListener('click', () => {
    field.type = field.type === 'password' ? 'text' : 'password';
    paint();
    field.focus();
  });
  field.form.addEventListener('submit', () => { field.type = 'password'; });
  paint();
  field.after(button);
}
for (const code of document.querySelectorAll('[data-copy]')) {
  if (!navigator.clipboard) break;
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'btn btn-s';
  button.textContent = code.dataset.copy;
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(code.textContent.trim());
    button.textContent = code.dataset.copied;
  });
  code.after(button);
}
const notice = document.querySelector('[role=alert]');
if (notice) notice.focus();
