"""What each merge mode does."""

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from skmerge import DenseBranch, MergedNetClassifier

digits = load_digits()
train, test = train_test_split(range(len(digits.data)), test_size=0.3, random_state=0)
generator = np.random.default_rng(0)


def draw_pairs(pictures, n_pairs):
    """Return pairs of pictures, half of them of one digit, and the two digits."""
    pairs = generator.choice(pictures, (2 * n_pairs, 2))
    alike = digits.target[pairs[:, 0]] == digits.target[pairs[:, 1]]
    return pairs


import sys, time
N=int(sys.argv[1]); EPOCHS=int(sys.argv[2]); W=int(sys.argv[3])
def pairs_of(rows, n):
    rows=np.asarray(rows)
    d=digits.target
    a=generator.choice(rows,n); b=generator.choice(rows,n)
    same=generator.random(n)<.5
    by=[rows[d[rows]==k] for k in range(10)]
    b=np.where(same,[generator.choice(by[k]) for k in d[a]],b)
    return a,b
A=pairs_of(train,N);B=pairs_of(test,1000)
x=digits.data/16
d=digits.target
def inp(P,names=("left","right")):
    return {n:x[p] for n,p in zip(("left","right"),P) if n in names}
tasks={"sum":lambda P:d[P[0]]+d[P[1]]>=9,"same":lambda P:d[P[0]]==d[P[1]]}
for mode in sys.argv[4].split(","):
    out=[]
    for task,head in (("sum",None),("same",None),("same",(32,))):
        t=time.process_time()
        names=("left",) if mode=="left" else ("left","right")
        m=MergedNetClassifier("concat" if mode=="left" else mode,branches={n:DenseBranch((W,)) for n in names},head=head,dropout=0,epochs=EPOCHS,random_state=0)
        m.fit(inp(A,names),tasks[task](A))
        out.append(f"{m.score(inp(B,names),tasks[task](B)):.3f} ({time.process_time()-t:.1f}s)")
    print(f"{mode:10}",*out,flush=True)
