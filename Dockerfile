# Two images from one file: the GPU image (the default, last stage) and the CPU image (--target cpu).
# Each holds the service, the contract and what they import: no torch, no training, no pip, no models.

ARG PYTHON_IMAGE=python:3.11-slim-bookworm

# ---- build: a virtual environment without pip in it ---------------------------------------------
FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_CACHE_DIR=/var/cache/pip
WORKDIR /src
RUN python3 -m venv /opt/pip && python3 -m venv --without-pip /opt/venv
COPY pyproject.toml constraints.txt ./
# More extras of pyproject.toml, beside the flavour: EXTRAS=otel for tracing.
ARG EXTRAS=
# The dependencies are listed apart, so that their layer outlives every edit of the code.
RUN for flavour in cpu gpu; do python3 -c 'import sys, tomllib; \
    project = tomllib.load(open("pyproject.toml", "rb"))["project"]; \
    extras = [each for name in sys.argv[1:] for each in project["optional-dependencies"][name]]; \
    print(*project["dependencies"], *extras, sep="\n")' \
    $flavour $EXTRAS >$flavour.txt; done

# The project itself, as a wheel: without training/, so without its command.
FROM build AS wheel
COPY LICENSE ./
COPY contract contract
COPY app app
RUN --mount=type=cache,target=/var/cache/pip \
    sed -i '/^gantrain = /d' pyproject.toml \
    && /opt/pip/bin/pip wheel --quiet --no-deps --wheel-dir /wheel .

FROM build AS build-cpu
RUN --mount=type=cache,target=/var/cache/pip \
    /opt/pip/bin/pip --python /opt/venv install --quiet --constraint constraints.txt --requirement cpu.txt
RUN --mount=type=bind,from=wheel,source=/wheel,target=/wheel \
    /opt/pip/bin/pip --python /opt/venv install --quiet --no-deps /wheel/*.whl

FROM build AS build-gpu
RUN --mount=type=cache,target=/var/cache/pip \
    /opt/pip/bin/pip --python /opt/venv install --quiet --constraint constraints.txt --requirement gpu.txt
RUN --mount=type=bind,from=wheel,source=/wheel,target=/wheel \
    /opt/pip/bin/pip --python /opt/venv install --quiet --no-deps /wheel/*.whl

# ---- run ----------------------------------------------------------------------------------------
FROM ${PYTHON_IMAGE} AS runtime
# An init as process 1 wherever the image runs (Kubernetes has no --init): it reaps, and passes signals on
# before the service has handlers for them.
RUN apt-get update -qq \
    && apt-get install -qq -y --no-install-recommends tini >/dev/null \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/*
# Whoever breaks in finds neither an installer nor a program that runs as another user than the caller.
# The GPU's base image has no pip to begin with.
RUN if python3 -m pip --version >/dev/null 2>&1; then \
        python3 -m pip uninstall --quiet --yes --root-user-action ignore pip setuptools wheel; fi \
    && rm -rf /usr/local/lib/python3*/ensurepip \
    && find / -xdev -type f -perm /6000 -exec chmod a-s {} +
ARG REVISION=
LABEL org.opencontainers.image.title="ganserve" \
      org.opencontainers.image.description="Serves images from GANs in ONNX files over HTTP" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.revision="${REVISION}"
# Bytecode was compiled with the installation; nothing is written at run time but /tmp.
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/tmp \
    GANSERVE_HOST=0.0.0.0 \
    GANSERVE_MODELS=/models
WORKDIR /
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --start-interval=1s --retries=3 \
    CMD ["/opt/venv/bin/python3", "-ISc", "import http.client, sys; \
connection = http.client.HTTPConnection('127.0.0.1', 8000, timeout=2); \
connection.request('GET', '/health/ready'); \
sys.exit(connection.getresponse().status != 200)"]
ENTRYPOINT ["tini", "--"]
CMD ["ganserve", "serve"]

FROM runtime AS cpu
COPY --from=build-cpu /opt/venv /opt/venv

FROM runtime AS gpu
# For runtimes that are not told which devices and driver libraries to bring in.
ENV NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility
COPY --from=build-gpu /opt/venv /opt/venv
