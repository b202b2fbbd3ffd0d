// Before anything is painted: style sheets know that there is JavaScript, so that nothing moves when the other scripts come.
document.documentElement.classList.add("js");
