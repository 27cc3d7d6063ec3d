"""The configuration of the documentation: ``make docs`` builds it, without a network."""

import inspect
import re
import sys
import tempfile
from importlib import import_module
from pathlib import Path

from docutils import nodes

import skmerge

sys.path.append(str(Path(__file__).parent))  # for sphinx-gallery, which imports by name

project = "skmerge"
author = "The skmerge developers"
project_copyright = author
version = release = skmerge.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "myst_parser",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "auto_examples/*.ipynb"]
templates_path = ["_templates"]
suppress_warnings = ["config.cache"]  # functions in this file; all that follows is a full build
default_role = "py:obj"  # `MultiInput` in a docstring links to its page

autosummary_generate = True
toc_object_entries_show_parents = "hide"
autodoc_typehints = "none"  # numpydoc shows the types
numpydoc_show_class_members = False  # the template of classes lists those of skmerge

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

html_theme = "pydata_sphinx_theme"
html_title = f"skmerge {release}"
html_static_path = ["_static"]
html_css_files = ["skmerge.css"]
html_extra_path = ["llms.txt"]
html_show_sphinx = False
html_sidebars = {"index": [], "changelog": [], "contributing": []}
html_theme_options = {
    "logo": {"text": "skmerge"},
    "navbar_end": ["theme-switcher"],
    "header_links_before_dropdown": 5,
    "secondary_sidebar_items": ["page-toc"],
    "show_toc_level": 2,
    "footer_start": ["copyright"],
    "footer_end": [],
}

copybutton_exclude = ".linenos, .gp, .go"  # prompts and output are not copied

#: Where the examples put their plots and figures while the gallery runs them.
WRITTEN = Path(tempfile.gettempdir()) / "skmerge-gallery"

#: The picture of examples that draw none.
THUMBNAIL = WRITTEN / "branches.png"

#: What the examples are called with in the gallery: as by hand, but for the place of their files.
ARGUMENTS = {
    "captions.py": ["--plot", str(WRITTEN / "captions.png")],
    "compare_merges.py": ["--plot", str(WRITTEN / "compare_merges.png")],
    "input_importance.py": ["--plot", str(WRITTEN / "input_importance.png")],
    "quickstart.py": ["--plot", str(WRITTEN / "merge_modes.png")],
    "reading_a_network.py": ["--folder", str(WRITTEN / "reading_a_network")],
}


def arguments_of(gallery_conf, script_vars):
    """Return the command line of an example."""
    WRITTEN.mkdir(exist_ok=True)
    return ARGUMENTS.get(Path(script_vars["src_file"]).name, [])


#: The order of the gallery: what to begin with, the merges, the inputs, the networks.
ORDER = [
    "quickstart",
    "merge_modes",
    "compare_merges",
    "two_branches",
    "siamese_digits",
    "absent_inputs",
    "picture_and_tag",
    "two_pictures",
    "sequences",
    "captions",
    "inception",
    "own_networks",
    "reading_a_network",
    "input_importance",
]


class GalleryOrder:
    """The key that sphinx-gallery sorts the examples by."""

    def __init__(self, src_dir):
        pass

    def __call__(self, filename):
        name = Path(filename).stem
        return ORDER.index(name) if name in ORDER else len(ORDER)


sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"/(?!_)\w+\.py$",
    "ignore_pattern": r"^_",
    "within_subsection_order": "conf.GalleryOrder",
    "reset_argv": "conf.arguments_of",
    "reset_modules": ("matplotlib",),
    "copyfile_regex": r"_captioning\.py",
    "default_thumb_file": str(THUMBNAIL),
    "doc_module": ("skmerge",),
    "backreferences_dir": "generated/backreferences",
    "inspect_global_variables": True,
    "show_memory": False,
    "show_signature": False,
    "remove_config_comments": True,
    "download_all_examples": False,
    "plot_gallery": "True",
    "min_reported_time": 1,
}


def own_members(module, name):
    """Return the public members that skmerge defines of a class: names, and whether methods."""
    owner = getattr(import_module(module), name)
    found = []
    for member in sorted(dir(owner)):
        home = next((base for base in owner.__mro__ if member in vars(base)), None)
        if member.startswith("_") or home is None or not home.__module__.startswith("skmerge"):
            continue
        value = inspect.getattr_static(owner, member)
        if type(value).__name__ == "RequestMethod" or not inspect.getdoc(value):
            continue  # scikit-learn's set_fit_request and the like
        if inspect.isroutine(value) or isinstance(value, classmethod | staticmethod):
            found.append((member, True))
        elif isinstance(value, property):
            found.append((member, False))
    return found


autosummary_context = {"own_members": own_members}

#: Where an object that a docstring names by its last name may be documented.
HOMES = ["skmerge", "skmerge.encoders", "skmerge.branches", "skmerge.merges", "skmerge.network"]


def find_elsewhere(app, env, node, contnode):
    """Resolve `ConvBranch`, from wherever it is named, to the page of ``skmerge.ConvBranch``."""
    if node.get("refdomain") != "py" or node.get("reftype") != "obj":
        return None
    objects = env.domains.python_domain.objects
    for home in HOMES:
        entry = objects.get(f"{home}.{node['reftarget']}")
        if entry is not None:
            place = app.builder.get_relative_uri(node["refdoc"], entry.docname)
            anchor = f"{place}#{entry.node_id}"
            return nodes.reference("", "", contnode, internal=True, refuri=anchor)
    return None


def escape_shapes(app, what, name, obj, options, lines):  # noqa: PLR0917
    """Escape the stars and underscores of types, such as ``(n_samples, *spec_.shape)``."""
    for number, line in enumerate(lines):
        if "of shape (" in line and "`" not in line:
            named, colon, kind = line.rpartition(" : ")
            kind = re.sub(r"\*(?=\w)|_(?=\W)", r"\\\g<0>", kind)
            lines[number] = f"{named}{colon}{kind}"


def draw_thumbnail(app):
    """Draw two branches that merge."""
    from matplotlib.figure import Figure

    WRITTEN.mkdir(exist_ok=True)
    ax = Figure(figsize=(4, 2.8), layout="constrained").subplots()
    for height in (0, 2):
        ax.plot([0, 1, 2], [height, height, 1], color="#1f77b4", linewidth=8, zorder=0)
    ax.plot([2, 3], [1, 1], color="#1f77b4", linewidth=8, zorder=0)
    ax.scatter([0, 0, 1, 1, 2, 3], [0, 2, 0, 2, 1, 1], s=900, color="#ff7f0e")
    ax.set(xlim=(-0.5, 3.5), ylim=(-0.7, 2.7))
    ax.set_axis_off()
    ax.figure.savefig(THUMBNAIL)


def setup(app):
    app.connect("builder-inited", draw_thumbnail, priority=1)  # before the gallery
    app.connect("missing-reference", find_elsewhere)
    app.connect("autodoc-process-docstring", escape_shapes, priority=100)  # before numpydoc
