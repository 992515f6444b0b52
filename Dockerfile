# Two images from one file: `ingest` compiles bundles and needs torch, `bot` serves them and does not.
FROM python:3.11-slim-bookworm AS base
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /app

FROM base AS ingest
COPY requirements/all.txt requirements/all.txt
RUN pip install --no-deps torch==2.13.0 --extra-index-url https://download.pytorch.org/whl/cpu \
 && pip install --no-deps --require-hashes -r requirements/all.txt
COPY ingest.py ./
COPY index index
COPY programmes programmes
ENV HF_HOME=/tmp/hf
RUN useradd --uid 10001 --create-home fundstelle && mkdir -p var/index && chown -R fundstelle var
USER fundstelle
# What the bot's image holds; none, where bundles come by a volume or from Qdrant.
ARG PROGRAMMES=programmes/dortmund-2025
# Copies don't keep hard links: without the store, the encoder is in the image once.
RUN if [ -n "$PROGRAMMES" ]; then python ingest.py $PROGRAMMES; fi && rm -rf var/index/.encoders
ENTRYPOINT ["python", "ingest.py"]

FROM base AS packages
COPY requirements/server.txt requirements/server.txt
RUN pip install --no-deps --require-hashes --target /packages -r requirements/server.txt

FROM base AS bot
COPY --from=packages /packages /packages
COPY index index
RUN rm -rf index/models
COPY bot bot
COPY web web
# A volume that is new takes its owner from here: root's could not be written by `ingest`.
RUN useradd --uid 10001 --no-create-home fundstelle && mkdir -p var/index && chown -R fundstelle var
COPY --from=ingest --chown=fundstelle /app/var/index var/index
ENV PYTHONPATH=/packages FUNDSTELLE_INDEX=/app/var/index
USER fundstelle
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=3s --start-period=10s \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/readyz', timeout=2)"]
CMD ["python", "-m", "bot", "--host", "0.0.0.0", "--port", "8000"]
